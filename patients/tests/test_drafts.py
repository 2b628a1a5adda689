import json

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.errors import DraftChanged, EncounterClosed, UnsavedDraft
from patients.models import ConsultationDraft
from patients.services import drafts
from patients.services.encounters import complete_visit
from patients.tests.factories import EncounterFactory, PatientFactory

pytestmark = pytest.mark.django_db
TYPED = {"note": {"text": "Cough", "symptoms": "cough"}}


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def doctor(visit):
    return visit.doctor.user


def save(visit, by, values=TYPED, version=0):
    return drafts.save_draft(encounter_id=visit.pk, values=values, version=version, by=by)


class TestKeeping:
    def test_draft_is_its_authors_alone(self, visit, doctor):
        save(visit, doctor)

        assert drafts.draft_of(visit, doctor).values == TYPED
        assert drafts.draft_of(visit, user(Role.DOCTOR)) is None

    def test_what_another_window_kept_is_not_overwritten(self, visit, doctor):
        first = save(visit, doctor)
        save(visit, doctor, {"note": {"text": "Second"}}, version=first.version)

        with pytest.raises(DraftChanged) as refusal:
            save(visit, doctor, {"note": {"text": "Third"}}, version=first.version)

        assert refusal.value.extra == {"values": {"note": {"text": "Second"}}, "version": 2}
        assert drafts.draft_of(visit, doctor).values == {"note": {"text": "Second"}}

    def test_the_same_again_needs_no_version(self, visit, doctor):
        save(visit, doctor)

        assert save(visit, doctor).version == 1

    def test_a_form_that_was_saved_leaves_it(self, visit, doctor):
        save(visit, doctor, TYPED | {"vitals": {"pulse_bpm": "88"}})

        drafts.drop_form(encounter_id=visit.pk, form="note", by=doctor)

        assert drafts.draft_of(visit, doctor).values == {"vitals": {"pulse_bpm": "88"}}

    def test_closed_visit_takes_none(self, doctor):
        visit = EncounterFactory(signed=True)

        with pytest.raises(EncounterClosed):
            save(visit, doctor)
        with pytest.raises(IntegrityError, match="the encounter is closed"), transaction.atomic():
            ConsultationDraft.objects.create(encounter=visit, author=doctor)
        assert not ConsultationDraft.objects.exists()

    def test_database_holds_one_per_person_and_only_objects(self, visit, doctor):
        save(visit, doctor)

        with pytest.raises(IntegrityError, match="draft_once_per_visit_and_author"), transaction.atomic():
            ConsultationDraft.objects.create(encounter=visit, author=doctor)
        with pytest.raises(IntegrityError, match="draft_values_are_an_object"), transaction.atomic():
            ConsultationDraft.objects.update(values=["note"])


class TestSigning:
    def test_signature_waits_for_what_its_giver_typed(self, visit, doctor):
        save(visit, doctor)

        with pytest.raises(UnsavedDraft):
            complete_visit(encounter_id=visit.pk, by=doctor)

        visit.refresh_from_db()
        assert visit.is_open

    def test_signature_does_not_wait_for_others_nor_for_an_empty_draft(self, visit, doctor):
        save(visit, doctor)
        save(visit, doctor, {}, version=1)
        save(visit, user(Role.NURSE), {"vitals": {"pulse_bpm": "88"}})

        complete_visit(encounter_id=visit.pk, by=doctor)

        assert ConsultationDraft.objects.get(author__groups__name=Role.NURSE).values == {"vitals": {"pulse_bpm": "88"}}


class TestPage:
    def post(self, client, visit, body):
        url = reverse("patients:draft", args=[visit.public_id])
        return client.post(url, body if isinstance(body, bytes) else json.dumps(body), content_type="application/json")

    def body(self, by, **changes):
        return {"author": str(by.public_id), "version": 0, "values": TYPED} | changes

    def test_typed_text_is_kept_and_stands_on_the_page_again(self, client_as, visit, doctor):
        client = client_as(doctor)

        answer = self.post(client, visit, self.body(doctor))

        assert answer.json() == {"version": 1}
        page = client.get(reverse("portal:consultation", args=[visit.public_id])).content.decode()
        assert "&quot;text&quot;:&quot;Cough&quot;" in page

    def test_saved_note_leaves_the_draft(self, client_as, visit, doctor):
        client = client_as(doctor)
        self.post(client, visit, self.body(doctor))

        client.post(reverse("patients:write_note", args=[visit.public_id]), {"text": "Cough", "symptoms": "cough"})

        assert ConsultationDraft.objects.get().values == {}

    def test_page_of_someone_who_signed_out_saves_nothing_in_the_next_persons_name(self, client_as, visit, doctor):
        colleague = user(Role.DOCTOR)
        client = client_as(colleague)

        kept = self.post(client, visit, self.body(doctor))
        url = reverse("patients:write_note", args=[visit.public_id])
        noted = client.post(url, {"text": "Cough"}, headers={"HX-Request": "true", "X-Page-User": str(doctor.public_id)})

        assert (kept.status_code, kept.json()["code"], noted.status_code) == (403, "other_person", 403)
        assert not ConsultationDraft.objects.exists()
        assert not visit.notes.exists()

    @pytest.mark.parametrize(
        "changes",
        [
            {"values": None},
            {"values": []},
            {"values": {"note": "text"}},
            {"values": {"note": {"text": 1}}},
            {"values": {"note": {"text": "\0"}}},
            {"values": {"note": {"$where": "1"}}},
            {"values": {"__proto__": {}}},
            {"values": {"note": {"text": "x" * 200_001}}},
            {"values": {f"note-{number}": {} for number in range(61)}},
            {"version": "1"},
            {"version": None},
            {"version": True},
        ],
    )
    def test_what_is_no_draft_is_refused_in_words(self, client_as, visit, doctor, changes):
        answer = self.post(client_as(doctor), visit, self.body(doctor, **changes))

        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid"
        assert not ConsultationDraft.objects.exists()

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"\\ud800"', b"\xff\xfe", b"1" * 1_000_001])
    def test_body_that_is_no_json_object_is_refused(self, client_as, visit, doctor, body):
        assert self.post(client_as(doctor), visit, body).status_code == 400
        assert not ConsultationDraft.objects.exists()

    def test_restricted_chart_asks_for_a_reason_first(self, client_as):
        visit = EncounterFactory(patient=PatientFactory(is_restricted=True))
        stranger = user(Role.DOCTOR)

        answer = self.post(client_as(stranger), visit, self.body(stranger))

        assert (answer.status_code, answer.json()["code"]) == (403, "break_glass_required")

    @pytest.mark.parametrize("role", [Role.RECEPTION, Role.PHARMACIST, Role.MANAGER, Role.PATIENT])
    def test_others_have_no_drafts(self, client_as, visit, role):
        person = user(role)

        assert self.post(client_as(person), visit, self.body(person)).status_code == 403

    def test_discarded_draft_is_gone(self, client_as, visit, doctor):
        save(visit, doctor)

        answer = client_as(doctor).delete(reverse("patients:draft", args=[visit.public_id]))

        assert answer.status_code == 204
        assert not ConsultationDraft.objects.exists()
