from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.expressions import CombinedExpression

from clinic.core.models import VersionedModel
from clinic.core.triggers import Kept


class AppointmentStatus(models.TextChoices):
    BOOKED = "booked", "Booked"
    CHECKED_IN = "checked_in", "Checked in"
    IN_CONSULTATION = "in_consultation", "In consultation"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    NO_SHOW = "no_show", "No-show"
    RESCHEDULED = "rescheduled", "Rescheduled"


LIVE_STATUSES = [AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN, AppointmentStatus.IN_CONSULTATION]

NEXT_STATUSES = {
    AppointmentStatus.BOOKED: {
        AppointmentStatus.CHECKED_IN,
        AppointmentStatus.IN_CONSULTATION,
        AppointmentStatus.CANCELLED,
        AppointmentStatus.NO_SHOW,
        AppointmentStatus.RESCHEDULED,
    },
    AppointmentStatus.CHECKED_IN: {
        AppointmentStatus.BOOKED,  # a check-in undone
        AppointmentStatus.IN_CONSULTATION,
        AppointmentStatus.COMPLETED,  # seen without a record
        AppointmentStatus.CANCELLED,
        AppointmentStatus.NO_SHOW,
    },
    AppointmentStatus.IN_CONSULTATION: {AppointmentStatus.CHECKED_IN, AppointmentStatus.COMPLETED},
    AppointmentStatus.COMPLETED: set(),
    AppointmentStatus.CANCELLED: set(),
    AppointmentStatus.NO_SHOW: set(),
    AppointmentStatus.RESCHEDULED: set(),
}


LONGEST = timedelta(hours=12)
LONGEST_BUFFER_MIN = 60
_LONGEST_BUFFER = timedelta(minutes=LONGEST_BUFFER_MIN)


def _occupied() -> Func:
    """`during` with its buffers. By way of UTC's wall clock: only so PostgreSQL knows that the sum never changes."""

    def moved(end: str, sign: str, buffer: str) -> Func:
        in_utc = Func(Value("UTC"), Func(F("during"), function=end), function="timezone", output_field=models.DateTimeField())
        minutes = Func(F(buffer), template="make_interval(mins => %(expressions)s)", output_field=models.DurationField())
        there = CombinedExpression(in_utc, sign, minutes, output_field=models.DateTimeField())
        return Func(Value("UTC"), there, function="timezone", output_field=models.DateTimeField())

    ends = moved("lower", "-", "buffer_before_minutes"), moved("upper", "+", "buffer_after_minutes")
    return Func(*ends, function="tstzrange", output_field=DateTimeRangeField())


class AppointmentQuerySet(models.QuerySet):
    def live(self):
        return self.filter(status__in=LIVE_STATUSES)

    def missed(self, now):
        """Still booked although their time has come: nobody has said yet what became of them."""
        return self.filter(status=AppointmentStatus.BOOKED, during__startswith__lt=now)

    def overlapping(self, start, end):
        """Those with a part in [start, end). No appointment is longer than LONGEST, so their starts can be sought in an index."""
        return self.filter(during__overlap=(start, end), during__startswith__gt=start - LONGEST, during__startswith__lt=end)

    def occupying(self, start, end):
        """Those that with their buffers take a part of [start, end) of the doctor's time."""
        return self.filter(
            occupied__overlap=(start, end),
            during__startswith__gt=start - LONGEST - _LONGEST_BUFFER,
            during__startswith__lt=end + _LONGEST_BUFFER,
        )

    def visible_to(self, user):
        """Staff see every appointment; a patient sees the own ones."""
        return self.filter(patient__user=user) if user.is_only_patient else self


class Appointment(VersionedModel):
    """A span of one doctor's time promised to one patient."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="appointments")
    doctor = models.ForeignKey("accounts.Doctor", models.PROTECT, related_name="appointments")
    facility = models.ForeignKey("accounts.Facility", models.PROTECT, null=True, blank=True, related_name="+")
    during = DateTimeRangeField(help_text="[start, end), stored in UTC.")
    buffer_before_minutes = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="Of the doctor's time before it, as its session had it when it was booked."
    )
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False, help_text="The same, after it.")
    occupied = models.GeneratedField(
        expression=_occupied(),
        output_field=DateTimeRangeField(),
        db_persist=True,
        help_text="[start, end) of the doctor's time that it takes, its buffers included. The patient sees `during`.",
    )
    status = models.CharField(max_length=16, choices=AppointmentStatus, default=AppointmentStatus.BOOKED, editable=False)
    reason = models.CharField(max_length=300, blank=True)
    notes = models.TextField(max_length=2000, blank=True, help_text="For the desk; no clinical text.")
    is_overbooked = models.BooleanField(default=False, editable=False)
    overbook_reason = models.CharField(max_length=200, blank=True, editable=False)
    closed_reason = models.CharField(max_length=200, blank=True, editable=False, help_text="Why it was cancelled.")
    rescheduled_to = models.OneToOneField("self", models.PROTECT, null=True, blank=True, editable=False, related_name="rescheduled_from")
    encounter = models.OneToOneField(
        "patients.Encounter", models.PROTECT, null=True, blank=True, editable=False, related_name="appointment"
    )
    series = models.ForeignKey(
        "scheduling.AppointmentSeries",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="appointments",
        help_text="The recurring appointments that it is one of, also after it was moved.",
    )
    booked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    request_id = models.UUIDField(null=True, unique=True, editable=False)
    source_id = models.CharField(
        max_length=200, null=True, unique=True, editable=False, help_text="Identifier in the system it was imported from."
    )

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["during", "id"]
        constraints = [
            models.CheckConstraint(name="appointment_has_a_length", condition=Q(during__isempty=False)),
            models.CheckConstraint(
                name="appointment_has_bounds", condition=Q(during__startswith__isnull=False, during__endswith__isnull=False)
            ),
            models.CheckConstraint(
                name="appointment_at_most_12_hours", condition=Q(during__endswith__lte=F("during__startswith") + LONGEST)
            ),
            models.CheckConstraint(
                name="appointment_buffers_at_most_60_min",
                condition=Q(buffer_before_minutes__lte=LONGEST_BUFFER_MIN, buffer_after_minutes__lte=LONGEST_BUFFER_MIN),
            ),
            models.CheckConstraint(name="appointment_overbooked_with_reason", condition=Q(is_overbooked=False) | ~Q(overbook_reason="")),
            models.CheckConstraint(
                name="appointment_cancelled_with_reason", condition=~Q(status=AppointmentStatus.CANCELLED) | ~Q(closed_reason="")
            ),
            models.CheckConstraint(
                name="appointment_rescheduled_to_another",
                condition=Q(status=AppointmentStatus.RESCHEDULED, rescheduled_to__isnull=False)
                | (~Q(status=AppointmentStatus.RESCHEDULED) & Q(rescheduled_to__isnull=True)),
            ),
            ExclusionConstraint(
                name="appointment_doctor_booked_once",
                expressions=[("doctor", RangeOperators.EQUAL), ("occupied", RangeOperators.OVERLAPS)],
                condition=Q(status__in=LIVE_STATUSES, is_overbooked=False),
                violation_error_message="The doctor is already booked at that time.",
            ),
            ExclusionConstraint(
                name="appointment_patient_booked_once",
                expressions=[("patient", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
                condition=Q(status__in=LIVE_STATUSES, is_overbooked=False),
                violation_error_message="The patient has another appointment at that time.",
            ),
        ]
        indexes = [
            models.Index(F("doctor"), Func(F("during"), function="lower"), name="appointment_by_doctor_start"),
            models.Index(F("patient"), Func(F("during"), function="lower"), name="appointment_by_patient_start"),
            models.Index(Func(F("during"), function="lower"), F("id"), name="appointment_by_start"),
            models.Index(fields=["series"], name="appointment_by_series", condition=Q(series__isnull=False)),
            GistIndex(fields=["during"], name="appointment_during"),
            models.Index(
                Func(F("during"), function="lower"),
                F("id"),
                name="appointment_booked_by_start",
                condition=Q(status=AppointmentStatus.BOOKED),
            ),
        ]
        triggers = [Kept(name="appointment_kept")]

    @property
    def starts_at(self):
        return self.during.lower

    @property
    def ends_at(self):
        return self.during.upper

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_STATUSES
