"""The checks at the counter look at what is handed out apart, and at what was given in the place of another."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.errors import SafetyCheck
from pharmacy.models import Dispense
from pharmacy.selectors.safety import current_items
from pharmacy.services.prescribing import sign_prescription
from pharmacy.services.returning import return_dispensed
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped():
    """The table that comes with the code."""
    call_command("load_interactions", stdout=StringIO())


def medicine(ingredient):
    return MedicineFactory(generic_name=ingredient)


def of_two(first, second, *, on, **changes):
    """A prescription of two medicines that are there, signed in spite of their interaction."""
    medicines = [medicine(first), medicine(second)]
    for each in medicines:
        stocked(100, medicine=each, on=on, expires_on=soon(400, on))
    encounter = EncounterFactory(patient=PatientFactory(allergies_reviewed_at=timezone.now()))
    return signed(*(line_of(each, **changes) for each in medicines), encounter=encounter, reason="no other way")


def alone(prescription, at: int, **options):
    item = list(prescription.items.order_by("pk"))[at]
    return dispensed(prescription, items=[{"item": item.public_id, "quantity": 6}], **options)


@pytest.mark.parametrize("late", [0, 20], ids=["at once", "long after it was signed"])
def test_one_of_two_that_interact_is_not_handed_out_alone_without_a_reason(shipped, late):
    on = timezone.localdate() + timedelta(days=late)
    prescription = of_two("Simvastatin", "Clarithromycin", on=on)

    for at in (0, 1):
        with pytest.raises(SafetyCheck) as refused:
            alone(prescription, at, on=on)
        assert [(each["kind"], each["severity"]) for each in refused.value.extra["alerts"]] == [("interaction", "contraindicated")]
        assert Dispense.objects.count() == at
        alone(prescription, at, on=on, override_reason="statin paused")


def test_a_course_that_is_over_does_not_warn_of_the_next_repeat(shipped):
    on = timezone.localdate()
    prescription = of_two("Simvastatin", "Clarithromycin", on=on, repeats=1)
    alone(prescription, 1, on=on, override_reason="statin paused")
    alone(prescription, 1, on=on, override_reason="statin paused")  # its repeat: nothing of it is to come

    with pytest.raises(SafetyCheck):
        alone(prescription, 0, on=on + timedelta(days=1))
    assert alone(prescription, 0, on=on + timedelta(days=2)).override_reason == ""


def test_the_counter_warns_of_what_was_handed_out_before(shipped, client_as):
    prescription = of_two("Simvastatin", "Clarithromycin", on=timezone.localdate())
    alone(prescription, 1, on=timezone.localdate(), override_reason="statin paused")

    page = client_as(pharmacist()).get(reverse("pharmacy:dispense", args=[prescription.public_id])).content.decode()

    assert "Not to be taken together" in page
    assert "on this prescription" in page


def substituted(prescribed, other, *, on, **changes):
    """A patient who has the other one, because the doctor agreed."""
    given = medicine(other)
    stocked(100, medicine=given, on=on, expires_on=soon(400, on))
    prescription = signed(line_of(medicine(prescribed), duration_days=90, **changes), encounter=EncounterFactory())
    line = {"item": prescription.items.get().public_id, "quantity": 6, "medicine": given.public_id}
    agreed = {"substitution_reason": "none there", "prescriber_agreement": "Dr Okafor, 10:40"}
    return dispensed(prescription, on=on, items=[line | agreed])


def test_what_was_given_in_its_place_is_checked_too(shipped):
    on = timezone.localdate()
    dispense = substituted("Pravastatin", "Simvastatin", on=on)
    patient = dispense.prescription.patient
    draft = drafted(line_of(medicine("Clarithromycin")), encounter=EncounterFactory(patient=patient))

    with pytest.raises(SafetyCheck) as refused:
        sign_prescription(prescription_id=draft.pk, by=draft.prescriber.user)
    [alert] = refused.value.extra["alerts"]
    assert dispense.lines.get().medicine.name in alert["text"]

    return_dispensed(dispense_id=dispense.pk, to="quarantine", reason="brought back", by=pharmacist(), request_id=uuid4())
    assert sign_prescription(prescription_id=draft.pk, by=draft.prescriber.user).status == "signed"


def test_what_was_given_in_its_place_stands_in_what_is_taken_now(client_as):
    dispense = substituted("Pravastatin", "Simvastatin", on=timezone.localdate())
    encounter = EncounterFactory(patient=dispense.prescription.patient)

    page = client_as(encounter.doctor.user).get(reverse("pharmacy:prescribing", args=[encounter.public_id])).content.decode()

    assert f"in its place <strong>{dispense.lines.get().medicine.name}</strong>" in page


def test_a_day_before_it_was_given_it_was_not_taken():
    today = timezone.localdate()
    dispense = substituted("Pravastatin", "Simvastatin", on=today + timedelta(days=3))
    patient, other = dispense.prescription.patient_id, dispense.lines.get().medicine.name

    taken = {day: current_items([patient], on=today + timedelta(days=day)).get().given_instead for day in (2, 3)}

    assert (taken[2], [each["name"] for each in taken[3]]) == ([], [other])


def test_another_of_the_same_ingredients_warns_once(shipped):
    dispense = substituted("Simvastatin", "Simvastatin", on=timezone.localdate())
    assert dispense.lines.get().substitution_basis == "same"
    draft = drafted(line_of(medicine("Clarithromycin")), encounter=EncounterFactory(patient=dispense.prescription.patient))

    with pytest.raises(SafetyCheck) as refused:
        sign_prescription(prescription_id=draft.pk, by=draft.prescriber.user)

    assert [alert["kind"] for alert in refused.value.extra["alerts"]] == ["interaction"]
