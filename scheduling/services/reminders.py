"""Reminders by mail, once each.

A row is claimed and committed first; its unique constraint keeps a second one away. Then the mail is
sent, then the row says so. A run that dies between the two leaves a claim whose lease ends, and the
next run sends again: to the mail server it is at least once, under one Message-ID, by which servers
and programs know a repetition.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import NotFound
from clinic.core.mail import UNSENT
from patients.models import Patient, PatientStatus
from scheduling import locks
from scheduling.models import Appointment, AppointmentStatus, Reminder, ReminderKind, ReminderOptOut, ReminderStatus
from scheduling.rules import reminders as rules
from scheduling.selectors.hours import clinic_zone

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 5
MOST_AT_ONCE = 100
# What was booked a moment ago needs no reminder.
BOOKED_BEFORE = timedelta(hours=3)

_signer = signing.Signer(salt="scheduling.reminders")


def send_due(now: datetime) -> int:
    """Send the reminders that are due; how many the mail server took."""
    return sum(_send(reminder, now) for reminder in claim_due(now))


@atomic_with_retry
def claim_due(now: datetime) -> list[Reminder]:
    """Claim what is due, and what another run left behind; two runs at once claim each row once."""
    claim, lease = uuid4(), now + LEASE
    stale = locks.lock_stale_reminders(now, MOST_AT_ONCE)
    Reminder.objects.filter(pk__in=[each.pk for each in stale if each.attempts >= MOST_ATTEMPTS]).update(status=ReminderStatus.FAILED)
    for each in stale:
        if each.attempts < MOST_ATTEMPTS:
            Reminder.objects.filter(pk=each.pk).update(claim=claim, leased_until=lease, attempts=each.attempts + 1)
    new = [
        Reminder(appointment_id=pk, kind=ReminderKind.DAY_BEFORE, claim=claim, leased_until=lease)
        for pk in _due(now)[: MOST_AT_ONCE - len(stale)]
    ]
    Reminder.objects.bulk_create(new, ignore_conflicts=True)
    claimed = Reminder.objects.filter(claim=claim).order_by("pk")
    return list(claimed.select_related("appointment__patient", "appointment__doctor__user", "appointment__doctor__department__facility"))


def _due(now: datetime):
    first, last = rules.window_of(now, clinic_zone())
    made = Reminder.objects.filter(appointment=OuterRef("pk"), kind=ReminderKind.DAY_BEFORE)
    rows = Appointment.objects.filter(
        status=AppointmentStatus.BOOKED,
        during__startswith__gte=first,
        during__startswith__lt=last,
        created_at__lt=now - BOOKED_BEFORE,
        patient__status=PatientStatus.ACTIVE,
    )
    rows = rows.exclude(patient__email="").exclude(Exists(made)).exclude(Exists(_opt_out(OuterRef("patient"))))
    return rows.order_by("during__startswith", "id").values_list("pk", flat=True)


def _opt_out(patient):
    return ReminderOptOut.objects.filter(patient=patient)


def _send(reminder: Reminder, now: datetime) -> bool:
    """No transaction is open while the mail server is asked."""
    appointment = Appointment.objects.get(pk=reminder.appointment_id)
    if appointment.status != AppointmentStatus.BOOKED or appointment.starts_at <= now or _opt_out(appointment.patient_id).exists():
        _finish(reminder, ReminderStatus.DROPPED, None)
        return False
    try:
        message_of(reminder, now).send()
    except UNSENT:
        logger.warning("reminder not sent, it is tried again", extra={"reminder": str(reminder.public_id)})
        return False
    return _finish(reminder, ReminderStatus.SENT, now)


@transaction.atomic
def _finish(reminder: Reminder, status: ReminderStatus, at: datetime | None) -> bool:
    mine = Reminder.objects.filter(pk=reminder.pk, claim=reminder.claim, status=ReminderStatus.CLAIMED)
    if not mine.update(status=status, sent_at=at):
        return False
    record(action=f"scheduling.reminder.{status}", actor=None, subject=reminder, patient=reminder.appointment.patient)
    return True


def message_of(reminder: Reminder, now: datetime) -> EmailMessage:
    """When, where and with whom; no reason and nothing clinical, for mail is a postcard."""
    appointment = reminder.appointment
    facility = appointment.facility or appointment.doctor.department.facility
    stop = stop_url(appointment.patient)
    context = {"appointment": appointment, "facility": facility, "stop": stop, "clinic_name": settings.CLINIC_NAME}
    at = timezone.localtime(appointment.starts_at)
    headers = {"Message-ID": f"<reminder-{reminder.public_id}@{_domain()}>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(
        subject=f"Your appointment on {at:%A} {at.day} {at:%B}, {at:%H:%M}",
        body=render_to_string("scheduling/mail/reminder.txt", context),
        to=[appointment.patient.email],
        headers=headers | ({"List-Unsubscribe": f"<{stop}>"} if stop else {}),
    )
    event = rules.Event(
        uid=f"{appointment.public_id}@{_domain()}",
        start=appointment.starts_at,
        end=appointment.ends_at,
        summary=f"Appointment at {settings.CLINIC_NAME}",
        location=", ".join(part for part in (facility.name, facility.address.replace("\n", ", ")) if part),
        stamped_at=now,
    )
    message.attach("appointment.ics", rules.icalendar(event), "text/calendar")
    return message


def _domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"


# --- Wanting none ------------------------------------------------------------------------------


def stop_url(patient: Patient) -> str:
    """The signed link of a mail; "" where the clinic's own address is not set."""
    if not settings.BASE_URL:
        return ""
    return settings.BASE_URL.rstrip("/") + reverse("scheduling:reminders_stop", args=[_signer.sign(patient.public_id.hex)])


def patient_of_link(token: str) -> Patient:
    """Raises NotFound for a link that we did not make."""
    try:
        public_id = UUID(_signer.unsign(token))
    except (signing.BadSignature, ValueError) as error:
        raise NotFound from error
    patient = Patient.objects.filter(public_id=public_id).first()
    if patient is None:
        raise NotFound
    return patient


@atomic_with_retry
def set_reminders(*, patient_id: int, wanted: bool, by) -> None:
    """Whether the patient gets reminders. Locks the patient; saying it twice changes nothing."""
    patient = locks.lock_patient(patient_id)
    if wanted == (not _opt_out(patient.pk).exists()):
        return
    if wanted:
        _opt_out(patient.pk).delete()
    else:
        ReminderOptOut.objects.create(patient=patient, by=by)
    record(action="scheduling.reminders.on" if wanted else "scheduling.reminders.off", actor=by, subject=patient, patient=patient)
