from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from clinic.core.models import BaseModel
from scheduling.models.appointment import LONGEST_BUFFER_MIN


class Weekday(models.IntegerChoices):
    """ISO 8601 numbers, as `date.isoweekday()` gives them."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


class DoctorSession(BaseModel):
    """A weekly stretch in which a doctor sees patients, in the clinic's wall clock."""

    doctor = models.ForeignKey("accounts.Doctor", models.PROTECT, related_name="sessions")
    facility = models.ForeignKey("accounts.Facility", models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    starts = models.TimeField()
    ends = models.TimeField()
    slot_minutes = models.PositiveSmallIntegerField(default=15)
    buffer_before_minutes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Of the doctor's time before each appointment; no part of what the patient sees."
    )
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="The same, after each appointment.")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds.")

    class Meta:
        ordering = ["doctor", "weekday", "starts"]
        constraints = [
            models.CheckConstraint(name="session_ends_after_start", condition=Q(ends__gt=F("starts"))),
            models.CheckConstraint(name="session_slot_within_5_to_240_min", condition=Q(slot_minutes__range=(5, 240))),
            models.CheckConstraint(
                name="session_buffers_at_most_60_min",
                condition=Q(buffer_before_minutes__lte=LONGEST_BUFFER_MIN, buffer_after_minutes__lte=LONGEST_BUFFER_MIN),
            ),
            models.CheckConstraint(
                name="session_valid_period_not_empty", condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from"))
            ),
            # Wall-clock times have no range type: they are laid on one arbitrary day.
            ExclusionConstraint(
                name="session_of_a_doctor_never_overlaps",
                expressions=[
                    ("doctor", RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (
                        Func(
                            Value("2000-01-01", models.DateField()) + F("starts"),
                            Value("2000-01-01", models.DateField()) + F("ends"),
                            function="tsrange",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func("valid_from", "valid_until", function="daterange"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="The doctor has hours at that time already.",
            ),
        ]


class ExceptionKind(models.TextChoices):
    LEAVE = "leave", "Leave"
    HOLIDAY = "holiday", "Holiday"
    BREAK = "break", "Break"
    OPEN = "open", "Extra hours"


class DoctorException(BaseModel):
    """A dated exception to the weekly hours: it closes a stretch, or (kind open) opens one."""

    doctor = models.ForeignKey(
        "accounts.Doctor", models.PROTECT, null=True, blank=True, related_name="exceptions", help_text="Empty: the whole clinic."
    )
    facility = models.ForeignKey("accounts.Facility", models.PROTECT, null=True, blank=True, related_name="+")
    during = DateTimeRangeField(help_text="[start, end), stored in UTC.")
    kind = models.CharField(max_length=8, choices=ExceptionKind)
    slot_minutes = models.PositiveSmallIntegerField(default=15, help_text="Of extra hours.")
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Of extra hours; see the weekly session.")
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="Of extra hours; see the weekly session.")
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["during"]
        constraints = [
            models.CheckConstraint(name="exception_not_empty", condition=Q(during__isempty=False)),
            models.CheckConstraint(name="exception_opens_for_a_doctor", condition=~Q(kind=ExceptionKind.OPEN) | Q(doctor__isnull=False)),
            models.CheckConstraint(name="exception_slot_within_5_to_240_min", condition=Q(slot_minutes__range=(5, 240))),
            models.CheckConstraint(
                name="exception_buffers_at_most_60_min",
                condition=Q(buffer_before_minutes__lte=LONGEST_BUFFER_MIN, buffer_after_minutes__lte=LONGEST_BUFFER_MIN),
            ),
            ExclusionConstraint(
                name="exception_opens_once",
                expressions=[("doctor", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
                condition=Q(kind=ExceptionKind.OPEN),
                violation_error_message="These hours are open already.",
            ),
        ]


class KeptAppointment(BaseModel):
    """Somebody decided that an appointment stays, although an exception closed its time."""

    exception = models.ForeignKey(DoctorException, models.CASCADE, related_name="kept", help_text="What closed the time.")
    appointment = models.ForeignKey("scheduling.Appointment", models.PROTECT, related_name="+", help_text="What stays all the same.")
    kept_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who decided.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exception", "appointment"], name="kept_appointment_once_per_exception")]
