from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Kept


class PrescriptionStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SIGNED = "signed", "Signed"
    PARTIALLY_DISPENSED = "partially_dispensed", "Partially dispensed"
    DISPENSED = "dispensed", "Dispensed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


NEXT_STATUSES = {
    PrescriptionStatus.DRAFT: {PrescriptionStatus.SIGNED, PrescriptionStatus.CANCELLED},
    PrescriptionStatus.SIGNED: {
        PrescriptionStatus.PARTIALLY_DISPENSED,
        PrescriptionStatus.DISPENSED,
        PrescriptionStatus.CANCELLED,
        PrescriptionStatus.EXPIRED,
    },
    PrescriptionStatus.PARTIALLY_DISPENSED: {PrescriptionStatus.DISPENSED, PrescriptionStatus.EXPIRED, PrescriptionStatus.SIGNED},
    PrescriptionStatus.DISPENSED: {PrescriptionStatus.PARTIALLY_DISPENSED},  # a return
    PrescriptionStatus.CANCELLED: set(),
    PrescriptionStatus.EXPIRED: set(),
}

DISPENSABLE_STATUSES = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED]


class PrescriptionQuerySet(models.QuerySet):
    def awaiting_dispense(self):
        return self.filter(status__in=DISPENSABLE_STATUSES)

    def visible_to(self, user):
        """Staff see every prescription; a patient sees the own ones once they are signed."""
        if user.is_only_patient:
            return self.filter(patient__user=user).exclude(status=PrescriptionStatus.DRAFT)
        return self


class Prescription(VersionedModel):
    """What a doctor orders for a patient in one encounter. The composite foreign key (encounter, patient) is in the migrations."""

    encounter = models.ForeignKey("patients.Encounter", models.PROTECT, related_name="prescriptions")
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="prescriptions")
    prescriber = models.ForeignKey("accounts.Doctor", models.PROTECT, related_name="prescriptions")
    status = models.CharField(max_length=20, choices=PrescriptionStatus, default=PrescriptionStatus.DRAFT, editable=False)
    signed_at = models.DateTimeField(null=True, blank=True, editable=False)
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it can no longer be dispensed.")
    override_reason = models.CharField(max_length=300, blank=True, help_text="Why it was signed in spite of a warning.")
    cleared_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When billing released it for dispensing.")
    cancelled_reason = models.CharField(max_length=200, blank=True, editable=False)
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = PrescriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="prescription_signed_has_time",
                condition=Q(status__in=[PrescriptionStatus.DRAFT, PrescriptionStatus.CANCELLED]) | Q(signed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="prescription_cancelled_with_reason", condition=~Q(status=PrescriptionStatus.CANCELLED) | ~Q(cancelled_reason="")
            ),
        ]
        indexes = [
            models.Index(fields=["signed_at", "id"], name="prescription_worklist", condition=Q(status__in=DISPENSABLE_STATUSES)),
            models.Index(fields=["patient", "-id"], name="prescription_by_patient"),
        ]
        triggers = [Kept(name="prescription_kept")]


class PrescriptionItem(BaseModel):
    prescription = models.ForeignKey(Prescription, models.PROTECT, related_name="items")
    medicine = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="+")
    dose = models.CharField(max_length=60, help_text="What is taken at a time, e.g. '1 tablet'.")
    route = models.CharField(max_length=40, default="oral")
    frequency = models.CharField(max_length=40, help_text="OD, BD, TDS, QID, PRN, or plain words")
    duration_days = models.PositiveSmallIntegerField()
    quantity = models.PositiveIntegerField(help_text="Units of the medicine, for one filling.")
    repeats = models.PositiveSmallIntegerField(default=0)
    instructions = models.CharField(max_length=300, blank=True)
    dispensed_quantity = models.PositiveIntegerField(default=0, editable=False, help_text="Given out less what came back.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="item_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="item_duration_within_1_to_366_days", condition=Q(duration_days__range=(1, 366))),
            models.CheckConstraint(
                name="item_dispensed_within_prescribed", condition=Q(dispensed_quantity__lte=F("quantity") * (F("repeats") + 1))
            ),
            models.UniqueConstraint(fields=["prescription", "medicine"], name="item_medicine_once_per_prescription"),
        ]
