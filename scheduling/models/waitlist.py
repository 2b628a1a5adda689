from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Kept
from scheduling.models.queue import Priority


class WaitlistStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    BOOKED = "booked", "Booked"
    WITHDRAWN = "withdrawn", "Taken off"
    LAPSED = "lapsed", "Dates passed"


class OfferStatus(models.TextChoices):
    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    WITHDRAWN = "withdrawn", "Taken back"


class WaitlistEntryQuerySet(models.QuerySet):
    def waiting(self):
        return self.filter(status=WaitlistStatus.WAITING)

    def in_order(self):
        """By urgency, then by who asked first."""
        return self.order_by("band", "created_at", "id")

    def visible_to(self, user):
        """Staff see every entry; a patient sees the own ones."""
        return self.filter(patient__user=user) if user.is_only_patient else self


class WaitlistEntry(VersionedModel):
    """A patient who wants an appointment in a range of days when one becomes free."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="waitlist_entries", help_text="Who waits.")
    doctor = models.ForeignKey("accounts.Doctor", models.PROTECT, null=True, blank=True, related_name="+", help_text="With this doctor.")
    department = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+", help_text="Or with any doctor of this department."
    )
    first_on = models.DateField(help_text="The first day that suits.")
    last_on = models.DateField(help_text="The last day that suits.")
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.ROUTINE, help_text="How urgent it is.")
    band = models.PositiveSmallIntegerField(editable=False, help_text="The priority as a number; lower comes first.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why the patient wants to come, for the appointment.")
    status = models.CharField(
        max_length=10, choices=WaitlistStatus, default=WaitlistStatus.WAITING, editable=False, help_text="What became of it."
    )
    appointment = models.OneToOneField(
        "scheduling.Appointment", models.PROTECT, null=True, editable=False, related_name="+", help_text="What it was booked as."
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", help_text="Who put the patient on the list."
    )
    request_id = models.UUIDField(null=True, unique=True, editable=False, help_text="Of the form that made it: sent twice, it adds once.")

    objects = WaitlistEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "waitlist entries"
        constraints = [
            models.CheckConstraint(
                name="waitlist_entry_of_doctor_or_department",
                condition=Q(doctor__isnull=False, department__isnull=True) | Q(doctor__isnull=True, department__isnull=False),
            ),
            models.CheckConstraint(name="waitlist_entry_days_in_order", condition=Q(last_on__gte=F("first_on"))),
            models.CheckConstraint(
                name="waitlist_entry_booked_with_appointment",
                condition=Q(status=WaitlistStatus.BOOKED, appointment__isnull=False)
                | (~Q(status=WaitlistStatus.BOOKED) & Q(appointment__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["patient", "doctor"], name="waitlist_entry_waits_once_per_doctor", condition=Q(status=WaitlistStatus.WAITING)
            ),
            models.UniqueConstraint(
                fields=["patient", "department"],
                name="waitlist_entry_waits_once_per_department",
                condition=Q(status=WaitlistStatus.WAITING),
            ),
        ]
        indexes = [
            models.Index("band", "created_at", "id", name="waitlist_entry_waiting", condition=Q(status=WaitlistStatus.WAITING)),
        ]
        triggers = [Kept(name="waitlist_entry_kept")]

    @property
    def place(self):
        return self.doctor or self.department


class WaitlistOfferQuerySet(models.QuerySet):
    def open_at(self, now):
        """Those that can still be accepted."""
        return self.filter(status=OfferStatus.OPEN, expires_at__gt=now)

    def visible_to(self, user):
        return self.filter(entry__patient__user=user) if user.is_only_patient else self


class WaitlistOffer(BaseModel):
    """A free time that is kept for one entry until it is answered or expires."""

    entry = models.ForeignKey(WaitlistEntry, models.PROTECT, related_name="offers", help_text="Whom it is offered to.")
    doctor = models.ForeignKey("accounts.Doctor", models.PROTECT, related_name="+", help_text="Whose time it is.")
    starts_at = models.DateTimeField(help_text="Start of the slot.")
    ends_at = models.DateTimeField(help_text="End of the slot.")
    status = models.CharField(max_length=10, choices=OfferStatus, default=OfferStatus.OPEN, help_text="What became of it.")
    expires_at = models.DateTimeField(help_text="From then on the time is offered to the next.")
    closed_at = models.DateTimeField(null=True, help_text="When it was answered, expired or was taken back.")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who answered; empty when it expired."
    )

    objects = WaitlistOfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="waitlist_offer_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="waitlist_offer_expires_before_its_time", condition=Q(expires_at__lte=F("starts_at"))),
            models.CheckConstraint(
                name="waitlist_offer_closed_with_time",
                condition=Q(status=OfferStatus.OPEN, closed_at__isnull=True) | (~Q(status=OfferStatus.OPEN) & Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint(
                fields=["doctor", "starts_at"], name="waitlist_offer_slot_to_one_at_a_time", condition=Q(status=OfferStatus.OPEN)
            ),
            models.UniqueConstraint(fields=["entry"], name="waitlist_offer_one_open_per_entry", condition=Q(status=OfferStatus.OPEN)),
            models.UniqueConstraint(fields=["entry", "doctor", "starts_at"], name="waitlist_offer_slot_once_per_entry"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="waitlist_offer_open", condition=Q(status=OfferStatus.OPEN))]
        triggers = [Kept(name="waitlist_offer_kept")]
