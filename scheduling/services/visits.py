"""From an appointment or a token to the visit's record, and back when it is signed."""

from uuid import UUID

from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from patients.models import Encounter, EncounterStatus, Patient
from patients.services.access import check_chart_open
from patients.services.encounters import start_encounter
from scheduling import locks
from scheduling.errors import WrongStatus
from scheduling.models import OPEN_STATUSES, Appointment, AppointmentStatus, Token, TokenStatus
from scheduling.models.appointment import NEXT_STATUSES as NEXT_OF_APPOINTMENT
from scheduling.models.queue import BEFORE_SERVICE
from scheduling.models.queue import NEXT_STATUSES as NEXT_OF_TOKEN
from scheduling.services.projection import project_later
from scheduling.services.tokens import move_token


@atomic_with_retry
def start_visit(
    *,
    by,
    appointment_id: int | None = None,
    token_id: int | None = None,
    patient_id: int | None = None,
    doctor_id: int | None = None,
    reason: str = "",
    request_id: UUID | None = None,
) -> Encounter:
    """Open the record of a visit from an appointment, a token, or a patient and a doctor.

    The appointment is then in consultation, its token in service. Starting twice gives the same
    encounter. Locks appointment, token, patient. A token of a department's queue is seen by
    `doctor_id`, else by the doctor who starts. Raises WrongStatus, InvalidInput, BreakGlassRequired for a
    restricted chart that the doctor would open to themselves, and what start_encounter raises.
    """
    appointment, token = _lock_sources(appointment_id, token_id)
    if appointment is None and token is None and not (patient_id and doctor_id):
        raise InvalidInput(errors={"patient": ["Name an appointment, a token, or a patient and a doctor."]})
    encounter = _earlier(appointment, token)
    if encounter and not (encounter.is_open and token and token.status in BEFORE_SERVICE):
        return encounter
    _check_startable(appointment, token)
    if encounter is None:
        source = appointment or token
        doctor_id = _doctor_of(appointment, token, doctor_id, by)
        patient_id = source.patient_id if source else patient_id
        _check_sent(patient_id, doctor_id, appointment, token, by=by)
        reason = reason or (source.reason if source else "")
        encounter = start_encounter(patient_id=patient_id, doctor_id=doctor_id, by=by, reason=reason, request_id=request_id)
    _link(encounter, appointment, token, by=by)
    return encounter


@atomic_with_retry
def open_before_call(*, token_id: int, by, doctor_id: int | None = None, request_id: UUID | None = None) -> Encounter:
    """Open the record while its patient still waits, for the nurse's vitals. The token keeps its place and its status.

    Doing it twice gives the same encounter; so does starting the visit later. Locks appointment, token, patient.
    Raises as start_visit.
    """
    appointment, token = _lock_sources(None, token_id)
    if earlier := _earlier(appointment, token):
        return earlier
    if token.status not in BEFORE_SERVICE:
        raise WrongStatus(f"Token {token.label} is {token.get_status_display().lower()}.", current_status=token.status)
    doctor_id = _doctor_of(appointment, token, doctor_id, by)
    _check_sent(token.patient_id, doctor_id, appointment, token, by=by)
    encounter = start_encounter(patient_id=token.patient_id, doctor_id=doctor_id, by=by, reason=token.reason, request_id=request_id)
    for source in filter(None, (appointment, token)):
        source.save_changes(encounter=encounter)
        record(action=f"scheduling.{source._meta.model_name}.record_opened", actor=by, subject=source, patient=source.patient)
    project_later(token)
    return encounter


@atomic_with_retry
def finish_visit(*, encounter_id: int, by) -> None:
    """Close what brought the patient to this visit: token done, appointment completed.

    A step of completing a visit, before the encounter's own lock. Locks appointment, then token.
    Harmless when both are closed already, or were never there.
    """
    appointment, token = _lock_of_encounter(encounter_id)
    if token and token.status in {TokenStatus.WAITING, TokenStatus.SKIPPED}:  # signed without having been called
        move_token(token, TokenStatus.IN_SERVICE, by=by, now=timezone.now())
    if token and TokenStatus.DONE in NEXT_OF_TOKEN[token.status]:
        move_token(token, TokenStatus.DONE, by=by, now=timezone.now())
    if appointment and AppointmentStatus.COMPLETED in NEXT_OF_APPOINTMENT[appointment.status]:
        appointment.save_changes(status=AppointmentStatus.COMPLETED)
        record(action="scheduling.appointment.completed", actor=by, subject=appointment, patient=appointment.patient)


def _lock_sources(appointment_id: int | None, token_id: int | None) -> tuple[Appointment | None, Token | None]:
    if token_id and not appointment_id:
        appointment_id = Token.objects.filter(pk=token_id).values_list("appointment_id", flat=True).first()
    appointment = locks.lock_appointment(appointment_id) if appointment_id else None
    if appointment and not token_id:
        token_id = Token.objects.filter(appointment=appointment).values_list("pk", flat=True).first()
    token = locks.lock_token(token_id) if token_id else None
    if appointment and token and token.appointment_id != appointment.pk:
        raise InvalidInput(errors={"token": ["This token belongs to another appointment."]})
    return appointment, token


def _lock_of_encounter(encounter_id: int) -> tuple[Appointment | None, Token | None]:
    appointment_id = Appointment.objects.filter(encounter_id=encounter_id).values_list("pk", flat=True).first()
    appointment = locks.lock_appointment(appointment_id) if appointment_id else None
    token_id = Token.objects.filter(encounter_id=encounter_id).values_list("pk", flat=True).first()
    return appointment, locks.lock_token(token_id) if token_id else None


def _earlier(appointment: Appointment | None, token: Token | None) -> Encounter | None:
    """The encounter that was started from them, unless it turned out to be an error."""
    for source in (appointment, token):
        if source is not None and source.encounter_id:
            encounter = Encounter.objects.select_related("patient", "doctor__user").get(pk=source.encounter_id)
            return None if encounter.status == EncounterStatus.ENTERED_IN_ERROR else encounter
    return None


def _check_startable(appointment: Appointment | None, token: Token | None) -> None:
    startable = {AppointmentStatus.IN_CONSULTATION} | {
        status for status, following in NEXT_OF_APPOINTMENT.items() if AppointmentStatus.IN_CONSULTATION in following
    }
    for source, allowed in ((appointment, startable), (token, set(OPEN_STATUSES))):
        if source is not None and source.status not in allowed:
            raise WrongStatus(f"This is {source.get_status_display().lower()}, so no visit can be started.", current_status=source.status)


def _doctor_of(appointment: Appointment | None, token: Token | None, doctor_id: int | None, by) -> int:
    own = getattr(by, "doctor", None) if by is not None else None
    booked = appointment and appointment.doctor_id
    # A token that was transferred to another doctor's queue is seen by that one, not by whom it was booked with.
    found = token.queue.doctor_id or doctor_id or (own and own.pk) or booked if token else booked or doctor_id or (own and own.pk)
    if not found:
        raise InvalidInput(errors={"doctor": ["Say which doctor sees the patient."]})
    return found


def _check_sent(patient_id: int, doctor_id: int, appointment: Appointment | None, token: Token | None, *, by) -> None:
    """A visit opens a restricted chart to its doctor: who sends the patient to themselves has to say why first.

    Raises BreakGlassRequired.
    """
    own = getattr(by, "doctor", None)
    senders = ({appointment.booked_by_id} if appointment else set()) | ({token.issued_by_id} if token else set())
    if own and own.pk == doctor_id and senders <= {by.pk} and (patient := Patient.objects.filter(pk=patient_id).first()):
        check_chart_open(patient=patient, by=by)


def _link(encounter: Encounter, appointment: Appointment | None, token: Token | None, *, by) -> None:
    if appointment:
        appointment.save_changes(encounter=encounter, status=AppointmentStatus.IN_CONSULTATION)
        record(action="scheduling.appointment.in_consultation", actor=by, subject=appointment, patient=appointment.patient)
    if token and token.status == TokenStatus.IN_SERVICE:
        token.save_changes(encounter=encounter)
        project_later(token)
    elif token:
        move_token(token, TokenStatus.IN_SERVICE, by=by, now=timezone.now(), encounter=encounter)
