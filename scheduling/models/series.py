import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen, Kept

MOST_WEEKS_APART = 12
MOST_DATES = 52


class AppointmentSeriesQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every series; a patient sees the own ones."""
        return self.filter(patient__user=user) if user.is_only_patient else self


class AppointmentSeries(BaseModel):
    """Appointments every so many weeks at the same time of the clinic's wall clock, asked for at once."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+", help_text="Who comes.")
    doctor = models.ForeignKey("accounts.Doctor", models.PROTECT, related_name="+", help_text="To whom.")
    starts_at = models.DateTimeField(help_text="Start of the first one.")
    every_weeks = models.PositiveSmallIntegerField(help_text="Weeks from one to the next.")
    reason = models.CharField(max_length=300, blank=True, help_text="Of each appointment, in the patient's words.")
    booked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", help_text="Who asked for it."
    )
    request_id = models.UUIDField(unique=True, editable=False, help_text="Of the request: sent twice, it makes one series.")

    objects = AppointmentSeriesQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "appointment series"
        constraints = [
            models.CheckConstraint(name="series_every_1_to_12_weeks", condition=Q(every_weeks__gte=1, every_weeks__lte=MOST_WEEKS_APART)),
        ]
        triggers = [Kept(name="series_kept")]


class SeriesDate(BaseModel):
    """One date of a series: booked, refused with the reason, or (both empty) not tried yet."""

    series = models.ForeignKey(AppointmentSeries, models.PROTECT, related_name="dates", help_text="What it is a date of.")
    on = models.DateField(help_text="In the clinic's calendar.")
    appointment = models.OneToOneField(
        "scheduling.Appointment", models.PROTECT, null=True, editable=False, related_name="+", help_text="As what it was booked."
    )
    refusal_code = models.CharField(max_length=40, blank=True, editable=False, help_text="Why it was not booked.")
    refusal_detail = models.CharField(max_length=300, blank=True, editable=False, help_text="The same in a sentence.")

    class Meta:
        ordering = ["series", "on"]
        constraints = [
            models.UniqueConstraint(fields=["series", "on"], name="series_date_once"),
            models.CheckConstraint(name="series_date_booked_or_refused", condition=Q(appointment__isnull=True) | Q(refusal_code="")),
        ]
        triggers = [
            Kept(name="series_date_kept"),
            Frozen(
                name="series_date_decided_once",
                condition=pgtrigger.Q(old__appointment__isnull=False) | ~pgtrigger.Q(old__refusal_code=""),
                sentence="what became of a date of a series is said once",
            ),
        ]

    @property
    def status(self) -> str:
        if self.appointment_id:
            return "booked"
        return "refused" if self.refusal_code else "pending"
