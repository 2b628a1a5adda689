"""What an appointment does when its token moves. The caller holds the locks of both."""

from django.db import IntegrityError

from clinic.audit.services.recording import record
from clinic.core.db import constraint_of
from scheduling.errors import PatientBusy, SlotTaken
from scheduling.models import Appointment, AppointmentStatus, TokenStatus
from scheduling.models.appointment import NEXT_STATUSES

STATUS_WITH_TOKEN = {
    TokenStatus.WAITING: AppointmentStatus.CHECKED_IN,
    TokenStatus.CALLED: AppointmentStatus.CHECKED_IN,
    TokenStatus.SKIPPED: AppointmentStatus.CHECKED_IN,
    TokenStatus.IN_SERVICE: AppointmentStatus.IN_CONSULTATION,
    TokenStatus.DONE: AppointmentStatus.COMPLETED,
    TokenStatus.NO_SHOW: AppointmentStatus.NO_SHOW,
    TokenStatus.LEFT: AppointmentStatus.CANCELLED,
}
_LEFT_REASON = "Left before being seen."
_REFUSALS = {"appointment_doctor_booked_once": SlotTaken, "appointment_patient_booked_once": PatientBusy}


def follow_token(appointment: Appointment, token_status: TokenStatus, *, by) -> None:
    """Bring the appointment to where its token went, if it can still go there."""
    to = STATUS_WITH_TOKEN[token_status]
    if token_status == TokenStatus.LEFT and appointment.status == AppointmentStatus.IN_CONSULTATION:
        to = AppointmentStatus.COMPLETED  # the patient was seen, if not to the end
    if to in NEXT_STATUSES[appointment.status]:
        _write(appointment, to, by=by)


def return_with_token(appointment: Appointment, token_status: TokenStatus, *, by) -> None:
    """Bring it back to where it stood, from any status. Raises SlotTaken, PatientBusy when its time was given away."""
    if appointment.status != STATUS_WITH_TOKEN[token_status]:
        _write(appointment, STATUS_WITH_TOKEN[token_status], by=by)


def take_back_check_in(appointment: Appointment, *, by) -> None:
    _write(appointment, AppointmentStatus.BOOKED, by=by)


def _write(appointment: Appointment, to: AppointmentStatus, *, by) -> None:
    was = appointment.status
    try:
        appointment.save_changes(status=to, closed_reason=_LEFT_REASON if to == AppointmentStatus.CANCELLED else "")
    except IntegrityError as error:
        if refusal := _REFUSALS.get(constraint_of(error)):
            raise refusal from error
        raise
    record(
        action=f"scheduling.appointment.{to}",
        actor=by,
        subject=appointment,
        patient=appointment.patient,
        changes={"from": str(was), "to": str(to)},
    )
