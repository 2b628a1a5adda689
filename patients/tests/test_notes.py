from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pymongo.errors import BulkWriteError

from clinic.core import mongo
from clinic.core.errors import InvalidInput
from patients import stores
from patients.errors import EncounterClosed, RecordPatientMismatch
from patients.models import ClinicalNote
from patients.services import notes
from patients.tasks import ship_notes
from patients.tests.factories import ClinicalNoteFactory, EncounterFactory, PatientFactory

pytestmark = pytest.mark.django_db

UNREACHABLE = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"


@pytest.fixture(autouse=True)
def _empty_collection():
    mongo.database()[stores.COLLECTION].delete_many({})


@pytest.fixture
def down(settings):
    """MongoDB away; `up()` brings it back."""
    reachable, settings.MONGODB_URL = settings.MONGODB_URL, UNREACHABLE

    def up():
        settings.MONGODB_URL = reachable
        mongo.breaker.reset()

    return up


def write(encounter, **changes):
    values = {"text": "Cough", "observations": {"symptoms": ["cough"], "days": 3, "c": 37.5}, "tags": ["chest"]}
    patient_id = changes.pop("patient_id", encounter.patient_id)
    return notes.write_note(encounter_id=encounter.pk, patient_id=patient_id, author=encounter.doctor.user, **values | changes)


def let_go() -> int:
    """A day later: PostgreSQL keeps its copy no longer."""
    return notes.clear_bodies(now=timezone.now() + notes.KEPT_FOR + timedelta(minutes=1))


def documents() -> list[dict]:
    return list(mongo.database()[stores.COLLECTION].find())


class TestWriting:
    def test_note_is_in_mongodb_right_after_the_commit(self, django_capture_on_commit_callbacks):
        encounter = EncounterFactory()

        with django_capture_on_commit_callbacks(execute=True):
            note = write(encounter)

        note.refresh_from_db()
        [document] = documents()
        assert note.body is not None
        assert note.stored_at is not None
        assert document["_id"] == str(note.public_id)
        assert document["record_uuid"] == str(encounter.public_id)
        assert document["patient"] == str(encounter.patient.public_id)
        assert document["observations"] == {"symptoms": ["cough"], "days": 3, "c": 37.5}
        assert [read.text for read in notes.read_notes(encounter)] == ["Cough"]

    def test_note_that_was_not_committed_is_nowhere(self):
        write(EncounterFactory())  # the test's transaction never commits

        assert not documents()

    def test_repeated_request_gives_the_first_note(self):
        encounter, request_id = EncounterFactory(), uuid4()

        first, again = (write(encounter, request_id=request_id) for _ in range(2))

        assert first == again
        assert ClinicalNote.objects.count() == 1

    def test_record_of_another_patient_is_refused_in_both_stores(self, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(RecordPatientMismatch):
            write(EncounterFactory(), patient_id=PatientFactory().pk)

        assert not ClinicalNote.objects.exists()
        assert not documents()

    def test_signed_visit_takes_no_note(self):
        with pytest.raises(EncounterClosed):
            write(EncounterFactory(signed=True))

        assert not ClinicalNote.objects.exists()

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"text": "x" * 20_001}, "text"), ({"observations": {"$where": "1"}}, "observations"), ({"tags": [""]}, "tags")],
    )
    def test_refusal_names_the_field_and_writes_nothing(self, change, field):
        with pytest.raises(InvalidInput) as refusal:
            write(EncounterFactory(), **change)

        assert list(refusal.value.errors) == [field]
        assert not ClinicalNote.objects.exists()

    def test_postgresql_gives_back_exactly_what_was_hashed(self):
        observations = {"a": [1, 1.0, 1e-7, 123456789012345, None, True, "ü\u2028 😀 \\u0041"], "deep": {"b": {}}}

        note = write(EncounterFactory(), observations=observations)

        assert [read.state for read in notes.read_bodies([ClinicalNote.objects.get(pk=note.pk)])] == ["ok"]
        assert notes.ship_notes() == let_go() == 1  # and so does MongoDB
        assert [read.observations for read in notes.read_bodies([ClinicalNote.objects.get(pk=note.pk)])] == [observations]


class TestMongoDown:
    def test_note_is_accepted_and_readable(self, down, django_capture_on_commit_callbacks):
        encounter = EncounterFactory()

        with django_capture_on_commit_callbacks(execute=True):
            note = write(encounter)

        note.refresh_from_db()
        assert note.stored_at is None
        assert [(read.state, read.text) for read in notes.read_notes(encounter)] == [("ok", "Cough")]

    def test_stored_note_is_unavailable_and_never_missing(self, down, caplog):
        encounter = EncounterFactory()
        ClinicalNoteFactory(encounter=encounter, body=None, sha256="0" * 64, stored_at=timezone.now())

        [read] = notes.read_notes(encounter)

        assert (read.state, read.text) == ("unavailable", None)

    def test_everything_is_moved_when_it_is_back(self, down):
        encounters = [EncounterFactory() for _ in range(3)]
        for encounter in encounters:
            write(encounter)
        assert notes.ship_notes() == 0
        assert not ClinicalNote.objects.filter(stored_at__isnull=False).exists()

        down()
        ship_notes()

        assert ClinicalNote.objects.filter(stored_at=None).count() == 0
        assert {document["record_uuid"] for document in documents()} == {str(encounter.public_id) for encounter in encounters}
        assert notes.ship_notes() == 0


class TestMoving:
    def test_twice_has_the_effect_of_once(self):
        note = ClinicalNoteFactory()
        body = note.body
        assert notes.ship_notes() == 1

        ClinicalNote.objects.filter(pk=note.pk).update(body=body, stored_at=None)  # as a crash before the mark leaves it
        assert notes.ship_notes() == 1

        assert len(documents()) == 1

    def test_body_stays_until_an_equal_one_was_read_back(self, monkeypatch):
        note = ClinicalNoteFactory()
        monkeypatch.setattr(stores, "get_notes", lambda ids: {str(each): note.body | {"text": "Cold"} for each in ids})

        assert notes.ship_notes() == 0

        note.refresh_from_db()
        assert note.body["text"] == "Cough for three days"
        assert note.stored_at is None

    def test_note_that_mongodb_refuses_stays_and_holds_up_no_other(self, monkeypatch, caplog):
        refused, fine = ClinicalNoteFactory(), ClinicalNoteFactory()
        document_of = notes._document
        monkeypatch.setattr(notes, "_document", lambda note: document_of(note) | ({"number": 0} if note == refused else {}))

        assert notes.ship_notes() == 1

        assert list(ClinicalNote.objects.filter(stored_at=None)) == [refused]
        assert [document["_id"] for document in documents()] == [str(fine.public_id)]
        assert "Cough" not in caplog.text

    def test_full_batch_that_is_refused_holds_up_no_other(self, monkeypatch):
        refused, fine = ClinicalNoteFactory(), ClinicalNoteFactory()
        document_of = notes._document
        monkeypatch.setattr(notes, "_document", lambda note: document_of(note) | ({"number": 0} if note == refused else {}))
        monkeypatch.setattr(notes, "BATCH", 1)

        assert notes.ship_notes() == 1
        assert list(ClinicalNote.objects.filter(stored_at__isnull=False)) == [fine]

    def test_note_that_the_schedule_took_first_is_left_alone(self, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as callbacks:
            write(EncounterFactory())
        notes.ship_notes()

        for callback in callbacks:
            callback()

        assert len(documents()) == 1

    def test_server_that_refuses_its_validator_still_takes_notes(self, monkeypatch):
        ClinicalNoteFactory()
        monkeypatch.setattr(stores, "_VALIDATOR", {"$nonsense": 1})

        assert notes.ship_notes() == 1

        monkeypatch.undo()
        stores.ensure_collections()

    def test_hundreds_are_moved_in_batches_of_flat_queries(self, monkeypatch, django_assert_max_num_queries):
        encounter = EncounterFactory()
        ClinicalNoteFactory.create_batch(30, encounter=encounter)

        with django_assert_max_num_queries(3):
            assert notes.ship_notes() == 30

    def test_collection_refuses_what_is_no_note(self):
        stores.ensure_collections()
        stores.ensure_collections()

        with pytest.raises(BulkWriteError):
            mongo.database()[stores.COLLECTION].bulk_write([stores.ReplaceOne({"_id": "x"}, {"text": 1}, upsert=True)])

        assert not documents()


class TestKeeping:
    @pytest.fixture
    def note(self):
        note = ClinicalNoteFactory()
        notes.ship_notes()
        return note

    def test_recent_note_is_readable_while_mongodb_is_down(self, note, mongodb_down):
        assert [read.state for read in notes.read_notes(note.encounter)] == ["ok"]

    def test_copy_goes_after_a_day_and_not_before(self, note):
        assert notes.clear_bodies(now=timezone.now() + notes.KEPT_FOR - timedelta(minutes=1)) == 0
        assert let_go() == 1
        assert let_go() == 0

        note.refresh_from_db()
        assert note.body is None
        assert [read.state for read in notes.read_notes(note.encounter)] == ["ok"]

    def test_copy_stays_while_mongodb_is_down(self, note, mongodb_down):
        assert let_go() == 0
        assert ClinicalNote.objects.filter(body__isnull=False).exists()

    @pytest.mark.parametrize("harm", [{"$set": {"text": "Changed"}}, None])
    def test_what_mongodb_lost_meanwhile_is_put_back(self, note, harm, caplog):
        collection = mongo.database()[stores.COLLECTION]
        collection.update_one({}, harm) if harm else collection.delete_many({})

        assert let_go() == 0
        assert let_go() == 1

        assert [(read.state, read.text) for read in notes.read_notes(note.encounter)] == [("ok", "Cough for three days")]

    def test_note_that_was_never_stored_is_not_let_go(self):
        ClinicalNoteFactory()

        assert let_go() == 0

    def test_schedule_does_it(self, note):
        ClinicalNote.objects.update(stored_at=timezone.now() - notes.KEPT_FOR - timedelta(minutes=1))

        ship_notes()

        assert ClinicalNote.objects.filter(body__isnull=True).count() == 1


class TestReading:
    @pytest.mark.parametrize(
        "change",
        [
            {"text": "Changed"},
            {"observations": {}},
            {"record_uuid": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"},
            {"patient": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"},
        ],
    )
    def test_changed_copy_is_damaged_and_not_shown(self, change):
        note = ClinicalNoteFactory()
        notes.ship_notes()
        let_go()
        mongo.database()[stores.COLLECTION].update_one({"_id": str(note.public_id)}, {"$set": change})

        [read] = notes.read_notes(note.encounter)

        assert (read.state, read.text) == ("damaged", None)

    def test_lost_copy_is_damaged_and_not_missing(self):
        note = ClinicalNoteFactory()
        notes.ship_notes()
        let_go()
        mongo.database()[stores.COLLECTION].delete_one({"_id": str(note.public_id)})

        assert [read.state for read in notes.read_notes(note.encounter)] == ["damaged"]

    def test_notes_of_both_stores_come_in_order(self):
        encounter = EncounterFactory()
        first = ClinicalNoteFactory(encounter=encounter)
        notes.ship_notes()
        let_go()
        second = ClinicalNoteFactory(encounter=encounter)

        assert [read.header for read in notes.read_notes(encounter)] == [first, second]
        assert {read.state for read in notes.read_notes(encounter)} == {"ok"}
