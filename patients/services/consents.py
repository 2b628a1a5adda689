"""What a patient agreed to, refused or withdrew."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from django.db.models.functions import Now

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.repeats import earlier
from patients import locks
from patients.errors import ConsentNotGiven, PatientInactive
from patients.models import Attachment, Consent, ConsentStatus, Patient
from patients.rules.identity import plain_words
from patients.services.access import check_chart_open


@atomic_with_retry
def record_consent(*, patient_id: int, values: Mapping, by, on: date, request_id: UUID | None = None) -> Consent:
    """Write down a decision, which from now on holds for its category.

    `values`: category, status, given_on, and valid_until, detail and attachment where there are any. Locks the
    patient. Repeating request_id returns the first one. Raises NotFound, InvalidInput, PatientInactive,
    BreakGlassRequired, and ConsentNotGiven where nothing stands that could be withdrawn.
    """
    patient = locks.lock_patient(patient_id)
    if first := earlier(Consent, request_id, patient_id=patient_id, category=values["category"], status=values["status"]):
        return first
    check_chart_open(patient=patient, by=by)
    if not patient.is_active:
        raise PatientInactive
    consent = Consent(**{**values, "detail": plain_words(values.get("detail", ""))})
    consent.patient, consent.recorded_by, consent.request_id, consent.recorded_at = patient, by, request_id, Now()
    if errors := _errors_of(consent, patient, on=on):
        raise InvalidInput(errors=errors)
    if consent.status == ConsentStatus.INACTIVE and not _stands(patient, consent.category):
        raise ConsentNotGiven
    consent.save()
    consent.refresh_from_db(fields=["recorded_at"])
    changes = {"patient": str(patient.public_id), "category": consent.category, "status": consent.status}
    record(action="patients.consent.recorded", actor=by, subject=consent, patient=patient, changes=changes)
    return consent


def _stands(patient: Patient, category: str) -> bool:
    newest = patient.consents.filter(category=category).order_by("-recorded_at", "-id").first()
    return newest is not None and newest.status == ConsentStatus.ACTIVE


def _errors_of(consent: Consent, patient: Patient, *, on: date) -> dict[str, list[str]]:
    errors = {}
    if consent.given_on > on:
        errors["given_on"] = ["This day is still to come."]
    if consent.valid_until and consent.status != ConsentStatus.ACTIVE:
        errors["valid_until"] = ["Only what is given has an end."]
    elif consent.valid_until and consent.valid_until <= consent.given_on:
        errors["valid_until"] = ["It would end before it begins."]
    if consent.attachment_id and not Attachment.objects.filter(pk=consent.attachment_id, patient=patient).exists():
        errors["attachment"] = ["Not found."]
    return errors
