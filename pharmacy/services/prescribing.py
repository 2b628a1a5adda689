"""A prescription from its first line to its signature."""

from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from clinic.accounts.models import Doctor
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.http import check_version
from clinic.core.repeats import earlier
from pharmacy import locks
from pharmacy.errors import DraftExists, EncounterClosed, NotAPrescriber, NotCancellable, NotDraft, NothingToRepeat, SafetyCheck
from pharmacy.models import Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.selectors.safety import safety_of
from pharmacy.services.items import ITEM_FIELDS, build_items


@atomic_with_retry
def write_prescription(*, encounter_id: int, items: list[dict], by, request_id: UUID | None = None) -> Prescription:
    """Draft a prescription in an open visit. Items: see services.items.build_items.

    Locks the encounter. Repeating request_id returns the first one.
    Raises NotAPrescriber, EncounterClosed, InvalidInput.
    """
    doctor = prescriber_of(by)
    encounter = locks.lock_open_encounter(encounter_id)
    if first := earlier(Prescription, request_id, encounter_id=encounter_id):
        return first
    if not encounter.is_open:
        raise EncounterClosed
    prescription = Prescription(encounter=encounter, patient=encounter.patient, prescriber=doctor, request_id=request_id)
    rows = build_items(prescription, items)
    prescription.save()
    PrescriptionItem.objects.bulk_create(rows)
    _record("written", prescription, by, items=len(rows))
    return prescription


@atomic_with_retry
def revise_prescription(*, prescription_id: int, items: list[dict], by, expected_version: int | None = None) -> Prescription:
    """Put these lines in the place of a draft's lines. A reason given for the old lines no longer counts.

    Locks the prescription. Raises NotAPrescriber, NotDraft, StaleVersion, InvalidInput.
    """
    prescriber_of(by)
    prescription = _lock_draft(prescription_id)
    check_version(prescription, expected_version)
    rows = build_items(prescription, items)
    prescription.items.all().delete()
    PrescriptionItem.objects.bulk_create(rows)
    prescription.save_changes(override_reason="")
    _record("revised", prescription, by, items=len(rows))
    return prescription


@atomic_with_retry
def add_item(*, encounter_id: int, item: dict, by, request_id: UUID | None = None) -> Prescription:
    """Add a line to the visit's draft, or begin one. The same line twice is one line.

    Locks the draft, else the encounter. Raises as write_prescription does.
    """
    prescriber_of(by)
    draft = Prescription.objects.filter(encounter_id=encounter_id, status=PrescriptionStatus.DRAFT).order_by("-id").first()
    if draft is None:
        return write_prescription(encounter_id=encounter_id, items=[item], by=by, request_id=request_id)
    prescription = _lock_draft(draft.pk)
    [row] = build_items(prescription, [item])
    if same := prescription.items.filter(medicine=row.medicine).first():
        if all(getattr(same, name) == getattr(row, name) for name in ITEM_FIELDS):
            return prescription
        raise InvalidInput(errors={"items": [f"{row.medicine.name} is already on this prescription. Remove that line first."]})
    row.save()
    prescription.save_changes(override_reason="")
    _record("revised", prescription, by, items=prescription.items.count())
    return prescription


@atomic_with_retry
def repeat_last(*, encounter_id: int, by, request_id: UUID | None = None) -> Prescription:
    """Draft in this visit what the patient was prescribed last, line by line. The checks run again, as for any draft.

    Locks the visit's draft, if there is one, then the encounter. Repeating request_id returns the first one.
    Raises NothingToRepeat, DraftExists, InvalidInput when a medicine of it is no longer used, and as write_prescription does.
    """
    prescriber_of(by)
    locks.lock_drafts(encounter_id)
    encounter = locks.lock_open_encounter(encounter_id)
    if first := earlier(Prescription, request_id, encounter_id=encounter_id):
        return first
    if Prescription.objects.filter(encounter=encounter, status=PrescriptionStatus.DRAFT).exists():
        raise DraftExists
    last = Prescription.objects.visible_to(by).of_other_visits(encounter).with_details().first()
    if last is None:
        raise NothingToRepeat
    items = [{"medicine": item.medicine} | {name: getattr(item, name) for name in ITEM_FIELDS} for item in last.items.all()]
    return write_prescription(encounter_id=encounter_id, items=items, by=by, request_id=request_id)


@atomic_with_retry
def remove_item(*, item_id: int, by) -> Prescription:
    """Take a line off a draft; the last one cancels it. Raises NotAPrescriber, NotDraft."""
    prescriber_of(by)
    prescription = _lock_draft(PrescriptionItem.objects.values_list("prescription", flat=True).get(pk=item_id))
    left = prescription.items.exclude(pk=item_id).count()
    if left:
        prescription.items.filter(pk=item_id).delete()
        prescription.save_changes(override_reason="")
        _record("revised", prescription, by, items=left)
        return prescription
    return cancel_prescription(prescription_id=prescription.pk, reason="All lines were taken off.", by=by)


@atomic_with_retry
def sign_prescription(*, prescription_id: int, by, override_reason: str = "") -> Prescription:
    """Sign a draft: from now on it can be dispensed, and no longer changed. The signer becomes its prescriber.

    Locks the prescription, then the encounter. Signing again what one has signed is harmless.
    Raises NotAPrescriber, NotDraft, EncounterClosed, and SafetyCheck when a warning stands without a reason.
    """
    doctor = prescriber_of(by)
    prescription = locks.lock_prescription(prescription_id)
    if prescription.status == PrescriptionStatus.SIGNED and prescription.prescriber_id == doctor.pk:
        return prescription
    if not prescription.is_draft:
        raise NotDraft
    if not locks.lock_open_encounter(prescription.encounter_id).is_open:
        raise EncounterClosed
    return _sign(prescription, doctor, by, override_reason)


@atomic_with_retry
def sign_drafts(*, encounter_id: int, by) -> list[Prescription]:
    """Sign what is still a draft when the visit is completed. Locks the drafts, then the encounter.

    Raises NotAPrescriber, and SafetyCheck for a draft with a warning that nobody has answered.
    """
    locks.lock_drafts(encounter_id)
    locks.lock_open_encounter(encounter_id)
    drafts = locks.lock_drafts(encounter_id)  # again: one may have come before the encounter was locked, none can now
    if not drafts:
        return []
    doctor = prescriber_of(by)
    return [_sign(draft, doctor, by, "") for draft in drafts]


def _sign(prescription: Prescription, doctor: Doctor, by, override_reason: str) -> Prescription:
    now = timezone.now()
    on = timezone.localdate(now)
    items = list(prescription.items.select_related("medicine"))
    if not items:
        raise InvalidInput("There is nothing on this prescription.", errors={"items": ["Add at least one line."]})
    reason = check_reason(override_reason) or prescription.override_reason
    report = safety_of(prescription, on=on, items=items)
    if report.needs_reason and not reason:
        raise SafetyCheck(alerts=report.as_json(), prescription=str(prescription.public_id))
    prescription.save_changes(
        status=PrescriptionStatus.SIGNED,
        prescriber=doctor,
        signed_at=now,
        valid_until=_valid_until(on, items),
        override_reason=reason if report.needs_reason else "",
    )
    _record("signed", prescription, by, warnings=[alert.kind for alert in report.alerts], items=len(items))
    return prescription


def _valid_until(on: date, items: list[PrescriptionItem]) -> date:
    is_controlled = any(item.medicine.is_controlled for item in items)
    return on + timedelta(days=settings.CONTROLLED_PRESCRIPTION_VALID_DAYS if is_controlled else settings.PRESCRIPTION_VALID_DAYS)


@atomic_with_retry
def cancel_prescription(*, prescription_id: int, reason: str, by) -> Prescription:
    """Withdraw a prescription of which nothing is handed out. Locks it. Raises NotAPrescriber, NotCancellable, InvalidInput."""
    prescriber_of(by)
    reason = reason.strip()
    if not reason or len(reason) > 200:
        raise InvalidInput(errors={"reason": ["Give a reason, at most 200 characters."]})
    prescription = locks.lock_prescription(prescription_id)
    before = prescription.status
    if before == PrescriptionStatus.CANCELLED:
        raise NotCancellable("This prescription is already cancelled.")
    if before == PrescriptionStatus.EXPIRED:
        raise NotCancellable("This prescription has expired.")
    if before not in {PrescriptionStatus.DRAFT, PrescriptionStatus.SIGNED}:
        raise NotCancellable
    prescription.save_changes(status=PrescriptionStatus.CANCELLED, cancelled_reason=reason)
    _record("cancelled", prescription, by, status=[before, prescription.status])
    return prescription


def prescriber_of(user) -> Doctor:
    doctor = Doctor.objects.filter(user=user, is_active=True).select_related("user").first()
    if doctor is None:
        raise NotAPrescriber
    return doctor


def check_reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > 300:
        raise InvalidInput(errors={"override_reason": ["At most 300 characters."]})
    return reason


def _lock_draft(prescription_id: int) -> Prescription:
    prescription = locks.lock_prescription(prescription_id)
    if not prescription.is_draft:
        raise NotDraft
    return prescription


def _record(what: str, prescription: Prescription, by, **changes) -> None:
    record(action=f"pharmacy.prescription.{what}", actor=by, subject=prescription, patient=prescription.patient, changes=changes)
