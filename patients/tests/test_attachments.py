from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core import mongo
from clinic.core.db import constraint_of
from patients import stores
from patients.errors import EncounterClosed, FileDamaged, FileUnavailable, RecordPatientMismatch, TooManyFiles
from patients.models import Attachment, Refiling
from patients.services import attachments, merging, note_checks, notes, refiling
from patients.services.encounters import complete_visit, content_of
from patients.tests.factories import AttachmentFactory, EncounterFactory, PatientFactory
from patients.tests.test_files import image, pdf, with_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def doctor(visit):
    return visit.doctor.user


def add(visit, *, content=None, patient=None, request_id=None):
    return attachments.add_attachment(
        encounter_id=visit.pk,
        patient_id=(patient or visit.patient).pk,
        name="scan.pdf",
        content=content or pdf(),
        by=visit.doctor.user,
        request_id=request_id,
    )


def stored(visit) -> Attachment:
    add(visit)
    attachments.ship_files()
    return Attachment.objects.get()


def refused_by(write) -> str:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    return constraint_of(refusal.value)


class TestAdding:
    def test_added_twice_by_one_form_stands_once(self, visit):
        request_id = uuid4()

        assert add(visit, request_id=request_id) == add(visit, request_id=request_id)
        assert Attachment.objects.count() == 1

    def test_file_for_another_patient_is_refused_and_nothing_is_written(self, visit):
        with pytest.raises(RecordPatientMismatch):
            add(visit, patient=PatientFactory())

        assert not Attachment.objects.exists()
        assert stores.file_ids(after="") == []

    def test_visit_has_so_many_files_at_most(self, visit, monkeypatch):
        monkeypatch.setattr(attachments, "MOST_FILES", 1)
        add(visit)

        with pytest.raises(TooManyFiles):
            add(visit)

        assert Attachment.objects.count() == 1

    def test_signature_stands_for_the_files_and_freezes_them(self, visit, doctor):
        file = add(visit)
        assert content_of(visit)["attachments"] == [{"id": str(file.public_id), "name": "scan.pdf", "sha256": file.sha256}]
        complete_visit(encounter_id=visit.pk, by=doctor)

        with pytest.raises(EncounterClosed):
            add(visit)
        with pytest.raises(EncounterClosed):
            attachments.remove_attachment(encounter_id=visit.pk, attachment_id=file.public_id, by=doctor)
        assert refused_by(file.delete) == "attachment_frozen_when_signed"
        assert refused_by(lambda: AttachmentFactory(encounter=visit)) == "attachment_frozen_when_signed"

    def test_database_refuses_what_no_file_can_be(self, visit):
        assert refused_by(lambda: AttachmentFactory(encounter=visit, patient=PatientFactory())) == "attachment_of_the_encounters_patient"
        assert refused_by(lambda: AttachmentFactory(encounter=visit, content_type="text/html")) == "attachment_of_known_type"
        assert refused_by(lambda: AttachmentFactory(encounter=visit, size_bytes=0)) == "attachment_size_in_range"
        AttachmentFactory(encounter=visit)
        assert refused_by(lambda: Attachment.objects.update(content=None)) == "attachment_somewhere"
        assert refused_by(lambda: Attachment.objects.update(content=b"other")) == "attachment_content_unchanged"
        assert refused_by(lambda: Attachment.objects.update(sha256="0" * 64)) == "attachment_unchanged"


class TestKeeping:
    def test_file_is_in_mongodb_and_a_day_later_only_there(self, visit):
        file = stored(visit)

        attachments.clear_files(now=timezone.now() + timedelta(hours=25))

        file.refresh_from_db()
        assert file.content is None
        assert attachments.read_attachment(visit, file.public_id)[1].startswith(b"%PDF-")

    def test_what_mongodb_lost_within_a_day_is_put_back(self, visit):
        file = stored(visit)
        stores.delete_file(str(file.public_id))

        attachments.clear_files(now=timezone.now() + timedelta(hours=25))
        assert Attachment.objects.get().content is not None
        attachments.clear_files(now=timezone.now() + timedelta(hours=25))

        assert Attachment.objects.get().content is None
        assert attachments.read_attachment(visit, file.public_id)[1].startswith(b"%PDF-")

    def test_without_mongodb_it_is_accepted_and_readable(self, visit, mongodb_down):
        file = add(visit)
        attachments.ship_files()

        assert Attachment.objects.get().stored_at is None
        assert attachments.read_attachment(visit, file.public_id)[1].startswith(b"%PDF-")

    def test_what_cannot_be_read_now_is_said_to_be_away(self, visit):
        file = stored(visit)
        Attachment.objects.update(content=None)
        mongo.breaker.trip()

        with pytest.raises(FileUnavailable):
            attachments.read_attachment(visit, file.public_id)

    def test_copy_that_differs_or_is_of_another_visit_is_damaged(self, visit):
        file = stored(visit)
        Attachment.objects.update(content=None)
        for content, record in ((b"%PDF-other", visit.public_id), (pdf(), uuid4())):
            stores.put_file(str(file.public_id), content, {"record_uuid": str(record)})

            with pytest.raises(FileDamaged):
                attachments.read_attachment(visit, file.public_id)

    def test_file_that_is_taken_back_leaves_both_stores(self, visit, doctor, django_capture_on_commit_callbacks):
        file = stored(visit)

        with django_capture_on_commit_callbacks(execute=True):
            attachments.remove_attachment(encounter_id=visit.pk, attachment_id=file.public_id, by=doctor)

        assert not Attachment.objects.exists()
        assert stores.file_ids(after="") == []


class TestPagesAndApi:
    def url(self, visit, *more) -> str:
        return "/".join(["/api/v1/visits", str(visit.public_id), "attachments", *map(str, more)]) + "/"

    def test_doctor_adds_lists_saves_and_removes_by_the_api(self, api_as, visit, doctor):
        api = api_as(doctor)

        added = api.post(self.url(visit), {"file": SimpleUploadedFile("knee.jpeg", image(), "text/html")}, format="multipart")
        [listed] = api.get(self.url(visit)).json()["results"]
        file = api.get(self.url(visit, listed["id"]))
        removed = api.delete(self.url(visit, listed["id"]))

        assert added.status_code == 201
        assert (listed["name"], listed["content_type"]) == ("knee.jpg", "image/jpeg")
        assert file["Content-Disposition"] == 'attachment; filename="knee.jpg"'
        assert file["Content-Type"] == "image/jpeg"
        assert file["X-Content-Type-Options"] == "nosniff"
        assert file["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert removed.status_code == 204

    @pytest.mark.parametrize(
        "file",
        [b"<svg/>", b"<html>", b"", b"PK\x03\x04", pdf(with_script), b"0" * (11 * 1024 * 1024)],
        ids=["svg", "html", "empty", "zip", "active", "large"],
    )
    def test_what_is_not_kept_is_refused_with_the_field_and_nothing_is_written(self, api_as, client_as, visit, doctor, file):
        by_api = api_as(doctor).post(self.url(visit), {"file": SimpleUploadedFile("x.jpg", file)}, format="multipart")
        page = reverse("patients:add_attachment", args=[visit.public_id])
        by_page = client_as(doctor).post(page, {"file": SimpleUploadedFile("x.jpg", file)}, headers={"HX-Request": "true"})

        assert (by_api.status_code, list(by_api.json()["errors"])) == (400, ["file"])
        assert by_page.status_code == 422
        assert not Attachment.objects.exists()
        assert stores.file_ids(after="") == []

    def test_request_that_is_too_large_is_not_read(self, api_as, client_as, visit, doctor, settings):
        settings.LARGEST_UPLOAD = 1000
        body = {"file": SimpleUploadedFile("x.jpg", b"0" * 2000)}

        answer = api_as(doctor).post(self.url(visit), body, format="multipart")
        assert (answer.status_code, answer.json()["detail"]) == (400, "This request is too large.")
        body["file"].seek(0)
        assert client_as(doctor).post(reverse("patients:add_attachment", args=[visit.public_id]), body).status_code == 400

    @pytest.mark.parametrize("body", [{}, {"file": "text"}])
    def test_body_without_a_file_names_the_field(self, api_as, visit, doctor, body):
        answer = api_as(doctor).post(self.url(visit), body, format="multipart")

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])

    def test_json_is_no_file(self, api_as, visit, doctor):
        assert api_as(doctor).post(self.url(visit), {"file": "x"}, format="json").status_code == 415

    def test_file_of_another_visit_or_patient_is_as_one_that_is_missing(self, api_as, visit):
        file = AttachmentFactory()
        stranger = PatientFactory(user=user(Role.PATIENT))

        other_visit = api_as(visit.doctor.user).get(self.url(visit, file.public_id))
        of_stranger = api_as(stranger.user).get(self.url(file.encounter, file.public_id))
        missing = api_as(stranger.user).get(self.url(file.encounter, uuid4()))

        assert (other_visit.status_code, of_stranger.status_code) == (404, 404)
        assert of_stranger.json() == missing.json()

    def test_page_serves_the_file_and_the_reading_is_audited(self, client_as, visit, doctor):
        file = add(visit)

        answer = client_as(doctor).get(reverse("patients:attachment", args=[visit.public_id, file.public_id]))

        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert OutboxEvent.objects.filter(action="patients.chart.read").count() == 1

    def test_list_is_flat_in_queries(self, api_as, django_assert_max_num_queries, visit, doctor):
        api = api_as(doctor)
        for count in (3, 27):
            AttachmentFactory.create_batch(count, encounter=visit)
            with django_assert_max_num_queries(16):
                api.get(self.url(visit))


class TestMerging:
    def test_documents_follow_the_patient_and_stay_readable_meanwhile(self, visit, doctor, django_capture_on_commit_callbacks):
        survivor, desk = PatientFactory(), user(Role.RECEPTION)
        written = notes.write_note(
            encounter_id=visit.pk, patient_id=visit.patient_id, author=doctor, text="Cough", observations={}, tags=[]
        )
        notes.ship_notes()
        file = stored(visit)
        notes.clear_bodies(now=timezone.now() + timedelta(hours=25))
        attachments.clear_files(now=timezone.now() + timedelta(hours=25))

        merging.merge_patients(survivor_id=survivor.pk, loser_id=visit.patient_id, reason="Twice", by=desk, now=timezone.now())

        visit.refresh_from_db()
        assert [read.state for read in notes.read_notes(visit)] == ["ok"]
        assert note_checks.verify_notes().misfiled == [str(written.public_id), str(file.public_id)]
        assert refiling.refile_documents() == 1
        assert note_checks.verify_notes().is_clean
        assert stores.get_notes([written.public_id])[str(written.public_id)]["patient"] == str(survivor.public_id)
        assert not Refiling.objects.exists()

        merging.unmerge_patients(patient_id=survivor.pk, by=desk, now=timezone.now())
        refiling.refile_documents()
        assert note_checks.verify_notes().is_clean

    def test_without_mongodb_it_waits(self, visit, mongodb_down):
        Refiling.objects.create(encounter=visit)

        assert refiling.refile_documents() == 0
        assert Refiling.objects.count() == 1


class TestVerifying:
    def test_each_kind_of_mismatch_is_named(self, visit, doctor):
        [lost, changed, moved] = [
            notes.write_note(encounter_id=visit.pk, patient_id=visit.patient_id, author=doctor, text=text, observations={}, tags=[])
            for text in ("one", "two", "three")
        ]
        notes.ship_notes()
        collection = mongo.database()[stores.COLLECTION]
        document = stores.get_notes([lost.public_id])[str(lost.public_id)]
        collection.delete_one({"_id": str(lost.public_id)})
        collection.update_one({"_id": str(changed.public_id)}, {"$set": {"text": "altered"}})
        collection.update_one({"_id": str(moved.public_id)}, {"$set": {"patient": str(uuid4())}})
        orphan = str(uuid4())
        collection.insert_one(document | {"_id": orphan})
        file = stored(visit)
        stores.delete_file(str(file.public_id))

        found = note_checks.verify_notes()

        assert (found.notes, found.files) == (3, 1)
        assert found.missing == [str(lost.public_id), str(file.public_id)]
        assert found.damaged == [str(changed.public_id)]
        assert found.misfiled == [str(moved.public_id)]
        assert found.orphans == [orphan]

    def test_misfiled_notes_are_filed_again(self, visit, doctor):
        note = notes.write_note(encounter_id=visit.pk, patient_id=visit.patient_id, author=doctor, text="one", observations={}, tags=[])
        notes.ship_notes()
        mongo.database()[stores.COLLECTION].update_one({"_id": str(note.public_id)}, {"$set": {"patient": str(uuid4())}})

        assert note_checks.file_again(note_checks.verify_notes()) == 1
        refiling.refile_documents()

        assert note_checks.verify_notes().is_clean

    def test_note_put_under_another_patient_is_not_shown(self, visit, doctor):
        note = notes.write_note(encounter_id=visit.pk, patient_id=visit.patient_id, author=doctor, text="one", observations={}, tags=[])
        notes.ship_notes()
        notes.clear_bodies(now=timezone.now() + timedelta(hours=25))
        mongo.database()[stores.COLLECTION].update_one({"_id": str(note.public_id)}, {"$set": {"patient": str(uuid4())}})

        assert [read.state for read in notes.read_notes(visit)] == ["damaged"]


@pytest.fixture(autouse=True)
def _empty_mongodb():
    for name in (stores.COLLECTION, f"{stores.FILES}.files", f"{stores.FILES}.chunks"):
        mongo.database()[name].delete_many({})
