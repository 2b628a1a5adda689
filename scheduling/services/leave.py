"""What becomes of appointments whose time was closed: moving and cancelling are booking's, keeping is decided here."""

from datetime import datetime

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import NotFound
from scheduling import locks
from scheduling.models import DoctorException, KeptAppointment
from scheduling.selectors.leave import undecided


@atomic_with_retry
def keep_appointment(*, exception_id: int, appointment_id: int, by, now: datetime) -> KeptAppointment:
    """Let an appointment stand in spite of leave or a holiday. Twice is once.

    Locks the appointment. Raises NotFound when the exception does not touch it (any more).
    """
    appointment = locks.lock_appointment(appointment_id)
    exception = DoctorException.objects.filter(pk=exception_id).first()
    if exception is None:
        raise NotFound
    if earlier := KeptAppointment.objects.filter(exception=exception, appointment=appointment).first():
        return earlier
    if not undecided(exception, now=now).filter(pk=appointment.pk).exists():
        raise NotFound
    kept = KeptAppointment.objects.create(exception=exception, appointment=appointment, kept_by=by)
    record(
        action="scheduling.appointment.kept",
        actor=by,
        subject=appointment,
        patient=appointment.patient,
        changes={"exception": str(exception.public_id), "kind": str(exception.kind)},
    )
    return kept
