from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.models import Addendum, ClinicalNote, Diagnosis, Encounter, Vitals
from patients.tests.factories import (
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    VitalsFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def doctor(client_as):
    return client_as(user(Role.DOCTOR))


def part_url(name, encounter, *args):
    return reverse(f"patients:{name}", args=[encounter.public_id, *args])


class TestParts:
    @pytest.fixture
    def encounter(self):
        return EncounterFactory()

    @pytest.mark.parametrize(
        ("name", "form", "model"),
        [
            ("add_vitals", {"pulse_bpm": "72"}, Vitals),
            ("add_diagnosis", {"text": "Cold", "rank": "primary"}, Diagnosis),
            ("write_note", {"text": "Cough", "symptoms": "cough, fever ,"}, ClinicalNote),
        ],
    )
    def test_part_swaps_itself_or_leads_back(self, doctor, encounter, name, form, model):
        swapped = doctor.post(part_url(name, encounter), form, headers=HTMX)
        model.objects.exists()

        assert swapped.status_code == 200
        assert b"hx-swap-oob" in swapped.content  # the signature's panel shows the new state
        assert "toast" in swapped["HX-Trigger"]
        assert model.objects.count() == 1

        plain = doctor.post(part_url(name, encounter), form | {"rank": "secondary"})
        assert plain.status_code == 302
        assert plain.url.startswith(reverse("portal:consultation", args=[encounter.public_id]))

    def test_symptoms_become_a_list(self, doctor, encounter):
        doctor.post(part_url("write_note", encounter), {"text": "Cough", "symptoms": " cough ,, dry  fever"})

        assert ClinicalNote.objects.get().body["observations"] == {"symptoms": ["cough", "dry fever"]}

    def test_range_is_named_and_what_was_typed_stays(self, doctor, encounter):
        form = {"temperature_c": "60", "pulse_bpm": "73"}

        swapped = doctor.post(part_url("add_vitals", encounter), form, headers=HTMX)
        whole = doctor.post(part_url("add_vitals", encounter), form)

        for answer, status in ((swapped, 422), (whole, 400)):
            assert answer.status_code == status
            assert "Must be between 25.0 and 45.0 °C." in answer.content.decode()
            assert b'value="73"' in answer.content
        assert b"<html" not in swapped.content
        assert b"<html" in whole.content
        assert not Vitals.objects.exists()

    def test_unusual_value_is_saved_when_it_was_looked_at(self, doctor, encounter):
        form = {"temperature_c": "39.5", "pulse_bpm": "73"}

        asked = doctor.post(part_url("add_vitals", encounter), form, headers=HTMX)
        whole = doctor.post(part_url("add_vitals", encounter), form)

        for answer in (asked, whole):
            assert answer.status_code == 422
            assert "Temperature 39.5 °C (usually 35.5 to 38)" in answer.content.decode()
            assert b'name="looked_at" value="temperature_c=39.5"' in answer.content
            assert b'value="73"' in answer.content
        assert b"<html" in whole.content
        assert not Vitals.objects.exists()

        saved = doctor.post(part_url("add_vitals", encounter), form | {"looked_at": "temperature_c=39.5"}, headers=HTMX)

        assert saved.status_code == 200
        assert Vitals.objects.get().temperature_c == Decimal("39.5")
        assert b"> unusual<" in saved.content

    @pytest.mark.parametrize("looked_at", ["", "yes", "temperature_c=39.4", "temperature_c=39.5,pulse_bpm=130", "\0"])
    def test_another_unusual_value_is_asked_about_anew(self, doctor, encounter, looked_at):
        form = {"temperature_c": "39.5", "looked_at": looked_at}

        answer = doctor.post(part_url("add_vitals", encounter), form, headers=HTMX)

        assert answer.status_code == 422
        assert not Vitals.objects.exists()

    def test_confirming_does_not_make_the_impossible_possible(self, doctor, encounter):
        form = {"temperature_c": "39.5", "pulse_bpm": "301", "looked_at": "temperature_c=39.5"}

        answer = doctor.post(part_url("add_vitals", encounter), form, headers=HTMX)

        assert "Must be between 20 and 300 /min." in answer.content.decode()
        assert b"looked_at" not in answer.content
        assert not Vitals.objects.exists()

    def test_what_is_usual_goes_by_age(self, doctor):
        today = timezone.localdate()
        newborn = EncounterFactory(patient__date_of_birth=today, patient__registered_on=today)

        answer = doctor.post(part_url("add_vitals", newborn), {"pulse_bpm": "150", "respiratory_rate_bpm": "45"}, headers=HTMX)

        assert answer.status_code == 200
        assert b"> unusual<" not in answer.content

    def test_sent_twice_writes_once(self, doctor, encounter):
        form = {"pulse_bpm": "72", "request_id": str(uuid4())}

        for _ in range(2):
            assert doctor.post(part_url("add_vitals", encounter), form, headers=HTMX).status_code == 200

        assert Vitals.objects.count() == 1

    def test_what_is_wrong_can_be_removed_before_the_signature(self, doctor, encounter):
        vitals, diagnosis = VitalsFactory(encounter=encounter), DiagnosisFactory(encounter=encounter)

        doctor.post(part_url("remove_vitals", encounter, vitals.public_id), headers=HTMX)
        doctor.post(part_url("remove_diagnosis", encounter, diagnosis.public_id), headers=HTMX)

        assert not Vitals.objects.exists()
        assert not Diagnosis.objects.exists()

    def test_signature_closes_the_visit(self, doctor, encounter, settings):
        settings.VISIT_COMPLETION_STEPS = []

        doctor.post(part_url("sign", encounter), {"version": "1"})
        refused = doctor.post(part_url("save_summary", encounter), {"reason": "x"}, headers=HTMX)

        encounter.refresh_from_db()
        assert encounter.status == "completed"
        assert refused.status_code == 422
        assert b"This visit is closed" in refused.content
        doctor.post(part_url("add_addendum", encounter), {"reason": "typo", "text": "Left."}, headers=HTMX)
        assert Addendum.objects.get().text == "Left."

    def test_signing_what_was_not_seen_is_refused(self, doctor, encounter, settings):
        settings.VISIT_COMPLETION_STEPS = []
        doctor.post(part_url("add_vitals", encounter), {"pulse_bpm": "72"})

        doctor.post(part_url("sign", encounter), {"version": "1"})

        encounter.refresh_from_db()
        assert encounter.is_open

    def test_nurse_records_vitals_and_nothing_else(self, client_as, encounter):
        nurse = client_as(user(Role.NURSE))

        assert nurse.post(part_url("add_vitals", encounter), {"pulse_bpm": "72"}).status_code == 302
        for name in ("save_summary", "add_diagnosis", "write_note", "add_addendum", "sign", "enter_in_error"):
            assert nurse.post(part_url(name, encounter), {"text": "x", "reason": "x"}).status_code == 403
        encounter.refresh_from_db()
        assert encounter.is_open

    def test_reading_is_no_way_to_write(self, doctor, encounter):
        for name in ("save_summary", "add_vitals", "add_diagnosis", "write_note", "add_addendum", "sign", "enter_in_error"):
            assert doctor.get(part_url(name, encounter)).status_code == 405

    def test_entered_in_error_needs_a_reason(self, doctor, encounter):
        doctor.post(part_url("enter_in_error", encounter), {"reason": ""})
        assert Encounter.objects.get().is_open

        doctor.post(part_url("enter_in_error", encounter), {"reason": "Wrong patient"})

        assert Encounter.objects.get().entered_in_error_reason == "Wrong patient"


def test_unavailable_note_is_said_so_on_the_page(doctor, settings):
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"
    note = ClinicalNoteFactory(body=None, sha256="0" * 64, stored_at=timezone.now())

    answer = doctor.post(part_url("write_note", note.encounter), {"text": ""}, headers=HTMX)

    assert b"temporarily unavailable" in answer.content
