import pgtrigger
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Mod

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Frozen, Kept
from patients.models.encounter import Encounter, FrozenWithEncounter
from pharmacy.models.directions import Directions
from pharmacy.models.triggers import ItemIsItsLines, ItemsOfDraftOnly, WhenNeededHasMaximum


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
    PrescriptionStatus.DISPENSED: {PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.SIGNED},  # returns
    PrescriptionStatus.CANCELLED: set(),
    PrescriptionStatus.EXPIRED: set(),
}

DISPENSABLE_STATUSES = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED]

_MOVES = ", ".join(f"('{old}', '{new}')" for old, following in NEXT_STATUSES.items() for new in sorted(following))
_UNKNOWN_MOVE = f"OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN ({_MOVES})"
# Of a signed prescription only its status, its clearance and the reason of a cancellation change.
_CHANGED_AFTER_SIGNING = """
    OLD.status <> 'draft'
    AND (NEW.public_id, NEW.encounter_id, NEW.patient_id, NEW.prescriber_id, NEW.signed_at, NEW.valid_until, NEW.override_reason,
         NEW.paper_code)
        IS DISTINCT FROM
        (OLD.public_id, OLD.encounter_id, OLD.patient_id, OLD.prescriber_id, OLD.signed_at, OLD.valid_until, OLD.override_reason,
         OLD.paper_code)
"""


class PrescriptionQuerySet(models.QuerySet):
    def awaiting_dispense(self, on):
        """Signed, still valid, and something of it may go out: now, or as a repeat."""
        return self.filter(status__in=DISPENSABLE_STATUSES, valid_until__gt=on).order_by("signed_at", "id")

    def filling_open(self):
        """Of those: what someone waits for. Not: a repeat that is not due, or what the patient brought back."""
        items = PrescriptionItem.objects.filter(prescription=models.OuterRef("pk")).annotate(part=Mod("dispensed_quantity", "quantity"))
        unfinished = models.Exists(items.filter(Q(dispensed_quantity=0) | Q(part__gt=0)))
        came_back = models.Exists(items.filter(dispense_lines__returned_quantity__gt=0))
        return self.filter(unfinished).exclude(came_back)

    def of_other_visits(self, encounter):
        """What the patient was prescribed in another visit, the last first."""
        signed = self.filter(patient=encounter.patient_id, signed_at__isnull=False).exclude(encounter=encounter)
        return signed.exclude(status=PrescriptionStatus.CANCELLED).order_by("-signed_at", "-id")

    def with_people(self):
        return self.select_related("patient", "encounter", "prescriber__user")

    def with_details(self):
        """All that its JSON and its row on the worklist show: 1 more query, however many rows."""
        items = PrescriptionItem.objects.select_related("medicine").order_by("id")
        return self.with_people().prefetch_related(models.Prefetch("items", queryset=items))

    def of_open_charts(self, user, *, now):
        """Without those of restricted charts that are not open to this person."""
        return self.filter(encounter__in=Encounter.objects.of_open_charts(user, now=now))

    def with_chart_open(self, user, *, now):
        """Tells of each row, as `is_chart_open`, whether this person may read its patient's chart now."""
        readable = Encounter.objects.of_open_charts(user, now=now).filter(pk=models.OuterRef("encounter"))
        return self.annotate(is_chart_open=models.Exists(readable))

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
    paper_code = models.UUIDField(
        db_default=RandomUUID(), unique=True, editable=False, help_text="Random; in the QR code of its paper, which anybody may check."
    )
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
        triggers = [
            Kept(name="prescription_kept"),
            FrozenWithEncounter(name="prescription_of_open_encounter", operation=pgtrigger.Insert),
            Frozen(name="prescription_moves_forward", condition=pgtrigger.Condition(_UNKNOWN_MOVE), sentence="no such change of status"),
            Frozen(
                name="prescription_signed_is_frozen",
                condition=pgtrigger.Condition(_CHANGED_AFTER_SIGNING),
                sentence="the prescription is signed",
            ),
        ]

    @property
    def is_draft(self) -> bool:
        return self.status == PrescriptionStatus.DRAFT

    def state_on(self, on) -> str:
        """Its status; 'expired' from the day on that it can no longer be dispensed, whether or not the sweep has run."""
        is_over = self.status in DISPENSABLE_STATUSES and self.valid_until is not None and self.valid_until <= on
        return PrescriptionStatus.EXPIRED if is_over else PrescriptionStatus(self.status)

    @property
    def is_cleared(self) -> bool:
        return self.cleared_at is not None


class PrescriptionItem(Directions, BaseModel):
    prescription = models.ForeignKey(Prescription, models.PROTECT, related_name="items")
    medicine = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="+")
    dispensed_quantity = models.PositiveIntegerField(default=0, editable=False, help_text="Given out less what came back.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="item_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="item_duration_within_1_to_366_days", condition=Q(duration_days__range=(1, 366))),
            models.CheckConstraint(
                name="item_max_doses_within_1_to_24", condition=Q(max_doses_a_day__isnull=True) | Q(max_doses_a_day__range=(1, 24))
            ),
            models.CheckConstraint(
                name="item_dispensed_within_prescribed", condition=Q(dispensed_quantity__lte=F("quantity") * (F("repeats") + 1))
            ),
            models.UniqueConstraint(fields=["prescription", "medicine"], name="item_medicine_once_per_prescription"),
        ]
        triggers = [
            ItemsOfDraftOnly(name="item_of_draft_only", operation=pgtrigger.Insert | pgtrigger.Delete),
            ItemsOfDraftOnly(
                name="item_changed_in_draft_only", operation=pgtrigger.Update, condition=pgtrigger.AnyChange(exclude=["dispensed_quantity"])
            ),
            WhenNeededHasMaximum(name="item_when_needed_has_maximum"),
            ItemIsItsLines(
                name="item_dispensed_is_its_lines", operation=pgtrigger.Insert | pgtrigger.UpdateOf("dispensed_quantity"), item="NEW.id"
            ),
        ]

    @property
    def owed_quantity(self) -> int:
        """Units that are still missing of a filling that was begun."""
        begun = self.dispensed_quantity % self.quantity
        return self.quantity - begun if begun else 0

    @property
    def total_quantity(self) -> int:
        """Units that may go out in all, repeats included."""
        return self.quantity * (self.repeats + 1)
