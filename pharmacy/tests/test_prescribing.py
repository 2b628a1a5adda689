import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, RequestReused
from patients.models import Allergy, Encounter, EncounterStatus
from patients.tests.factories import EncounterFactory
from pharmacy import locks
from pharmacy.errors import EncounterClosed, NotAPrescriber, NotCancellable, NotDraft, SafetyCheck
from pharmacy.models import Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.selectors.safety import safety_of
from pharmacy.services import catalogue, prescribing
from pharmacy.services.clearance import clear_prescriptions, revoke_clearance
from pharmacy.services.expiring import expire_prescriptions
from pharmacy.tests.conftest import everything_in
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, signed, stocked

pytestmark = pytest.mark.django_db


def close(encounter):
    signature = {"signed_at": timezone.now(), "signed_by": encounter.doctor.user, "content_sha256": "0" * 64}
    Encounter.objects.filter(pk=encounter.pk).update(status=EncounterStatus.COMPLETED, **signature)


def test_a_draft_computes_what_is_not_said():
    draft = drafted({"medicine": MedicineFactory(), "dose": "2", "frequency": "bd", "duration_days": 5})

    item = draft.items.get()
    assert (item.quantity, item.dose, item.frequency, item.route) == (20, "2 tablets", "BD", "oral")


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0}, {"quantity": -1}, {"quantity": 10**9}, {"duration_days": 0}, {"duration_days": 400}, {"repeats": -1},
        {"repeats": 99}, {"dose": ""}, {"frequency": ""}, {"dose": "x" * 61}, {"frequency": "as told", "quantity": None},
        {"instructions": "x" * 301},
    ],
)  # fmt: skip
def test_a_line_that_makes_no_sense_is_refused(change):
    with pytest.raises(InvalidInput) as refusal:
        drafted(line_of(MedicineFactory()), line_of(MedicineFactory(), **change))

    assert refusal.value.errors["items"][0].startswith("Line 2:")
    assert not Prescription.objects.exists()


def test_a_medicine_stands_once_on_a_prescription_and_a_retired_one_not_at_all():
    medicine, retired = MedicineFactory(), MedicineFactory()
    catalogue.deactivate_medicine(medicine_id=retired.pk, by=None)

    for lines in ([line_of(medicine), line_of(medicine)], [line_of(retired)], []):
        with pytest.raises(InvalidInput):
            prescribing.write_prescription(encounter_id=(e := EncounterFactory()).pk, items=lines, by=e.doctor.user)

    assert not Prescription.objects.exists()


def test_the_same_request_id_writes_one_prescription():
    encounter, medicine, request_id = EncounterFactory(), MedicineFactory(), uuid4()

    def write(visit=encounter):
        return prescribing.write_prescription(encounter_id=visit.pk, items=[line_of(medicine)], by=visit.doctor.user, request_id=request_id)

    assert write() == write()
    with pytest.raises(RequestReused):
        write(EncounterFactory())
    assert Prescription.objects.count() == 1


def test_only_a_doctor_writes_and_signs():
    encounter = EncounterFactory()
    draft = drafted(encounter=encounter)
    stranger = user(Role.ADMIN)

    with pytest.raises(NotAPrescriber):
        prescribing.write_prescription(encounter_id=encounter.pk, items=[line_of(MedicineFactory())], by=stranger)
    with pytest.raises(NotAPrescriber):
        prescribing.sign_prescription(prescription_id=draft.pk, by=stranger)

    assert Prescription.objects.get().is_draft


def test_another_doctor_who_signs_becomes_the_prescriber():
    draft, colleague = drafted(), DoctorFactory()

    prescription = prescribing.sign_prescription(prescription_id=draft.pk, by=colleague.user)

    assert prescription.prescriber == colleague


def test_nothing_is_prescribed_in_a_closed_visit():
    encounter = EncounterFactory()
    draft = drafted(encounter=encounter)
    close(encounter)

    with pytest.raises(EncounterClosed):
        drafted(encounter=encounter)
    with pytest.raises(EncounterClosed):
        prescribing.sign_prescription(prescription_id=draft.pk, by=encounter.doctor.user)

    assert Prescription.objects.get().is_draft


def test_a_signature_says_how_long_it_holds():
    today = timezone.localdate()

    plain, controlled = signed(line_of(MedicineFactory())), signed(line_of(MedicineFactory(is_controlled=True)))

    assert plain.valid_until == today + timedelta(days=180)
    assert controlled.valid_until == today + timedelta(days=28)


def test_signing_twice_is_harmless_and_cancelled_ones_are_not_signed():
    prescription = signed()
    doctor = prescription.prescriber.user

    again = prescribing.sign_prescription(prescription_id=prescription.pk, by=doctor)
    assert again.signed_at == prescription.signed_at
    prescribing.cancel_prescription(prescription_id=prescription.pk, reason="wrong dose", by=doctor)
    with pytest.raises(NotDraft):
        prescribing.sign_prescription(prescription_id=prescription.pk, by=doctor)


def test_what_another_doctor_signed_is_not_signed_again():
    prescription = signed()

    before = everything_in(Prescription)

    with pytest.raises(NotDraft):
        prescribing.sign_prescription(prescription_id=prescription.pk, by=DoctorFactory().user)

    assert everything_in(Prescription) == before


def test_a_reason_that_no_warning_asked_for_is_not_kept():
    prescription = drafted()

    prescribing.sign_prescription(prescription_id=prescription.pk, by=prescription.prescriber.user, override_reason="just in case")

    prescription.refresh_from_db()
    assert prescription.status == "signed"
    assert prescription.override_reason == ""


def test_an_allergy_stops_the_signature_until_there_is_a_reason():
    draft = drafted(line_of(MedicineFactory(name="Amoxicillin 500 mg", generic_name="amoxicillin")))
    Allergy.objects.create(patient=draft.patient, substance="penicillin")
    doctor = draft.prescriber.user

    with pytest.raises(SafetyCheck) as refusal:
        prescribing.sign_prescription(prescription_id=draft.pk, by=doctor)
    assert refusal.value.extra["alerts"] == [
        {
            "kind": "allergy",
            "medicine": "Amoxicillin 500 mg",
            "text": "Allergy to penicillin: Amoxicillin 500 mg contains amoxicillin, one of the penicillins.",
            "needs_reason": True,
            "severity": "",
        }
    ]
    draft.refresh_from_db()
    assert draft.is_draft

    prescription = prescribing.sign_prescription(prescription_id=draft.pk, by=doctor, override_reason=" Tolerated before. ")
    assert prescription.override_reason == "Tolerated before."


def test_the_audit_of_a_signature_names_no_clinical_text():
    prescription = signed(line_of(MedicineFactory(name="Secretol 5 mg"), instructions="for the rash"))

    documents = str(list(OutboxEvent.objects.filter(patient_id=prescription.patient.public_id).values_list("document", flat=True)))
    assert "pharmacy.prescription.signed" in documents
    for word in ("Secretol", "rash", prescription.patient.last_name):
        assert word not in documents


def test_what_is_taken_now_counts_until_the_course_ends():
    medicine = MedicineFactory(generic_name="paracetamol")
    first = signed(line_of(medicine, duration_days=5))
    encounter = EncounterFactory(patient=first.patient)
    second = drafted(line_of(MedicineFactory(generic_name="paracetamol + codeine")), encounter=encounter)
    today = timezone.localdate()

    assert [alert.kind for alert in safety_of(second, on=today).alerts] == ["duplicate"]
    assert [alert.kind for alert in safety_of(second, on=today + timedelta(days=6)).alerts] == []
    assert [alert.kind for alert in safety_of(first, on=today).alerts] == []


def test_a_line_is_added_once_however_often_the_button_is_pressed():
    encounter, medicine = EncounterFactory(), MedicineFactory()
    doctor = encounter.doctor.user

    for _ in range(2):
        prescribing.add_item(encounter_id=encounter.pk, item=line_of(medicine), by=doctor, request_id=uuid4())
    prescribing.add_item(encounter_id=encounter.pk, item=line_of(MedicineFactory()), by=doctor)
    with pytest.raises(InvalidInput):
        prescribing.add_item(encounter_id=encounter.pk, item=line_of(medicine, 99), by=doctor)

    assert Prescription.objects.get().items.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_the_first_line_begins_one_draft(at_once):
    encounter, medicine, request_id = EncounterFactory(), MedicineFactory(), uuid4()
    doctor = encounter.doctor.user

    results = at_once(
        *[lambda: prescribing.add_item(encounter_id=encounter.pk, item=line_of(medicine), by=doctor, request_id=request_id)] * 2
    )

    assert results[0] == results[1]
    assert PrescriptionItem.objects.count() == 1


def test_the_last_line_taken_off_cancels_the_draft():
    draft = drafted(line_of(MedicineFactory()), line_of(MedicineFactory()))
    one, two = draft.items.all()

    prescribing.remove_item(item_id=one.pk, by=draft.prescriber.user)
    prescription = prescribing.remove_item(item_id=two.pk, by=draft.prescriber.user)

    assert prescription.status == PrescriptionStatus.CANCELLED


def test_new_lines_take_an_old_reason_away():
    draft = drafted()
    Prescription.objects.filter(pk=draft.pk).update(override_reason="discussed")

    prescribing.revise_prescription(prescription_id=draft.pk, items=[line_of(MedicineFactory())], by=draft.prescriber.user)

    draft.refresh_from_db()
    assert draft.override_reason == ""


def test_a_prescription_that_was_handed_out_is_not_cancelled():
    batch = stocked(10)
    prescription = signed(line_of(batch.medicine, 4))
    dispensed(prescription)

    with pytest.raises(NotCancellable):
        prescribing.cancel_prescription(prescription_id=prescription.pk, reason="x", by=prescription.prescriber.user)

    prescription.refresh_from_db()
    assert prescription.status == PrescriptionStatus.DISPENSED


# --- With the visit ------------------------------------------------------------------------------


def test_the_end_of_a_visit_signs_its_drafts():
    encounter = EncounterFactory()
    drafted(encounter=encounter)
    other = drafted()

    prescribing.sign_drafts(encounter_id=encounter.pk, by=encounter.doctor.user)

    assert encounter.prescriptions.get().status == PrescriptionStatus.SIGNED
    other.refresh_from_db()
    assert other.is_draft


def test_the_end_of_a_visit_without_drafts_needs_no_doctor():
    assert prescribing.sign_drafts(encounter_id=EncounterFactory().pk, by=user(Role.NURSE)) == []


def test_a_warning_stops_the_end_of_the_visit_unless_its_reason_was_given():
    encounter = EncounterFactory()
    Allergy.objects.create(patient=encounter.patient, substance="penicillin")
    safe = drafted(encounter=encounter)
    risky = drafted(line_of(MedicineFactory(generic_name="amoxicillin")), encounter=encounter)

    with pytest.raises(SafetyCheck):
        prescribing.sign_drafts(encounter_id=encounter.pk, by=encounter.doctor.user)
    assert {each.status for each in Prescription.objects.all()} == {PrescriptionStatus.DRAFT}

    prescribing.sign_prescription(prescription_id=risky.pk, by=encounter.doctor.user, override_reason="known, mild")
    prescribing.sign_drafts(encounter_id=encounter.pk, by=encounter.doctor.user)
    safe.refresh_from_db()
    assert safe.status == PrescriptionStatus.SIGNED


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_comes_in_while_a_visit_is_being_closed_is_signed_too(at_once, monkeypatch):
    """Another thread commits a draft after the first look at the drafts, before the encounter is locked."""
    encounter, medicine = EncounterFactory(), MedicineFactory()
    lock = locks.lock_open_encounter

    def let_another_in_first(encounter_id):
        monkeypatch.setattr(locks, "lock_open_encounter", lock)
        [late] = at_once(lambda: drafted(line_of(medicine), encounter=encounter))
        assert isinstance(late, Prescription)
        return lock(encounter_id)

    monkeypatch.setattr(locks, "lock_open_encounter", let_another_in_first)

    prescribing.sign_drafts(encounter_id=encounter.pk, by=encounter.doctor.user)

    assert encounter.prescriptions.get().status == PrescriptionStatus.SIGNED


@pytest.mark.django_db(transaction=True)
def test_a_draft_waits_for_the_end_of_the_visit_and_is_then_refused(at_once):
    encounter, medicine = EncounterFactory(), MedicineFactory()
    is_locked = threading.Event()

    def finish():
        with transaction.atomic():
            prescribing.sign_drafts(encounter_id=encounter.pk, by=encounter.doctor.user)
            is_locked.set()
            time.sleep(0.2)
            close(encounter)

    def write():
        is_locked.wait(10)
        return drafted(line_of(medicine), encounter=encounter)

    _, refusal = at_once(finish, write)

    assert isinstance(refusal, EncounterClosed)
    assert not encounter.prescriptions.exists()


# --- Clearance -----------------------------------------------------------------------------------


def test_billing_clears_and_takes_it_back():
    prescription = signed(cleared=False)

    clear_prescriptions(prescription_ids=[prescription.pk], by=None)
    prescription.refresh_from_db()
    first = prescription.cleared_at
    clear_prescriptions(prescription_ids=[prescription.pk], by=None)
    prescription.refresh_from_db()
    assert prescription.cleared_at == first

    revoke_clearance(prescription_ids=[prescription.pk], by=None)
    prescription.refresh_from_db()
    assert not prescription.is_cleared


def test_a_cancelled_prescription_is_not_cleared():
    prescription = signed(cleared=False)
    prescribing.cancel_prescription(prescription_id=prescription.pk, reason="x", by=prescription.prescriber.user)

    clear_prescriptions(prescription_ids=[prescription.pk], by=None)

    prescription.refresh_from_db()
    assert not prescription.is_cleared


# --- Expiry --------------------------------------------------------------------------------------


def test_what_is_past_its_last_day_expires_once():
    prescription, fresh = signed(line_of(MedicineFactory(is_controlled=True))), signed()
    on = prescription.valid_until

    assert [expire_prescriptions(on=on - timedelta(days=1)), expire_prescriptions(on=on), expire_prescriptions(on=on)] == [0, 1, 0]

    assert set(Prescription.objects.values_list("pk", "status")) == {(prescription.pk, "expired"), (fresh.pk, "signed")}
