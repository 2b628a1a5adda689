from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.errors import InvalidInput
from clinic.core.together import together
from patients import selectors
from patients.errors import EncounterClosed, NoteChanged
from patients.models import ClinicalNote, Encounter
from patients.services import encounters, notes
from patients.tests.factories import ClinicalNoteFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("patients.tests.urls")]


@pytest.fixture
def first():
    return ClinicalNoteFactory(body={"text": "Left knee", "observations": {"symptoms": ["pain"], "angle": 30}, "tags": ["knee"]})


def amend(note, text="Right knee", **changes):
    encounter = note.encounter
    values = {"encounter_id": encounter.pk, "patient_id": encounter.patient_id, "amends": note.public_id} | changes
    return notes.write_note(author=encounter.doctor.user, text=text, observations={}, tags=[], **values)


def test_edit_is_a_new_version_and_the_old_one_stays(first):
    second = amend(first)
    third = amend(second, "Right knee, again")

    assert [(note.thread, note.number) for note in (first, second, third)] == [(first.public_id, n) for n in (1, 2, 3)]
    assert [note.text for note in notes.read_notes(first.encounter)] == ["Left knee", "Right knee", "Right knee, again"]


def test_version_that_is_no_longer_the_last_is_not_amended(first):
    amend(first)

    with pytest.raises(NoteChanged):
        amend(first, "Mine")
    assert ClinicalNote.objects.count() == 2


@pytest.mark.parametrize("other_visit", [True, False])
def test_only_a_note_of_the_visit_is_amended(first, other_visit):
    amends = ClinicalNoteFactory().public_id if other_visit else uuid4()

    with pytest.raises(InvalidInput) as refusal:
        amend(first, amends=amends)

    assert list(refusal.value.errors) == ["amends"]
    assert first.encounter.notes.count() == 1


def test_signed_note_has_no_next_version(first):
    encounters.complete_visit(encounter_id=first.encounter_id, by=first.author)

    with pytest.raises(EncounterClosed):
        amend(first)
    assert ClinicalNote.objects.count() == 1


def test_versions_are_one_note_to_sign(first):
    amend(first)

    counts = {one: number for one, _, number in together(selectors.counts_of(first.encounter))[0]}
    assert counts["note"] == 1
    assert len(encounters.content_of(Encounter.objects.get())["notes"]) == 2


@pytest.mark.django_db(transaction=True)
def test_one_of_two_edits_at_once_wins(at_once):
    note = ClinicalNoteFactory()

    results = at_once(lambda: amend(note, "One"), lambda: amend(note, "Other"))

    assert sorted(type(result).__name__ for result in results) == ["ClinicalNote", "NoteChanged"]
    assert list(ClinicalNote.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_api_gives_thread_and_version(api_as, first):
    url = f"/api/v1/visits/{first.encounter.public_id}/notes/"
    doctor = api_as(user(Role.DOCTOR))

    sent = doctor.post(url, {"text": "Right knee", "amends": str(first.public_id)}).json()
    again = doctor.post(url, {"text": "Mine", "amends": str(first.public_id)})

    assert (sent["thread"], sent["version"]) == (str(first.public_id), 2)
    assert (again.status_code, again.json()["code"]) == (409, "note_changed")
    assert [row["version"] for row in doctor.get(url).json()["results"]] == [1, 2]


class TestPage:
    def post(self, client, note, **changes):
        url = reverse("patients:write_note", args=[note.encounter.public_id])
        form = {"text": "Right knee", "symptoms": "pain", "amends": str(note.public_id), "request_id": str(uuid4())}
        return client.post(url, form | changes, headers={"HX-Request": "true"})

    def test_edit_keeps_what_the_form_does_not_show(self, client_as, first):
        page = self.post(client_as(first.author), first).content.decode()

        [_, second] = notes.read_notes(first.encounter)
        assert (second.text, second.observations, second.tags) == ("Right knee", {"symptoms": ["pain"], "angle": 30}, ["knee"])
        assert "1 earlier version" in page
        assert page.count("Save new version") == 1

    def test_refused_edit_comes_back_with_what_was_typed(self, client_as, first):
        second, client = amend(first), client_as(first.author)

        answer = self.post(client, first, text="TYPED")

        assert answer.status_code == 422
        assert "newer version" in answer.content.decode()
        assert "\nTYPED</textarea>" in answer.content.decode()
        assert ClinicalNote.objects.count() == 2
        assert answer.content.decode().count(f'name="amends" value="{second.public_id}"') == 2  # it can follow the newer one now

    def test_note_that_cannot_be_read_offers_no_edit_and_takes_none(self, client_as, mongodb_down):
        note = ClinicalNoteFactory(body=None, sha256="0" * 64, stored_at=timezone.now())
        client = client_as(note.author)

        page = client.get(reverse("portal:consultation", args=[note.encounter.public_id])).content.decode()
        answer = self.post(client, note)

        assert "Save new version" not in page
        assert answer.status_code == 422
        assert ClinicalNote.objects.count() == 1
