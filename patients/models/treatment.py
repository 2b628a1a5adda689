from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Frozen, Kept
from patients.models.encounter import Encounter, FrozenWithEncounter


class TreatmentTypeQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)


class TreatmentType(VersionedModel):
    """A line of the catalogue: something that is done to a patient, and what it costs without medicines."""

    name = models.CharField(max_length=120)
    base_cost = models.DecimalField(max_digits=12, decimal_places=2, help_text="In the clinic's currency, without medicines.")
    is_active = models.BooleanField(default=True)

    objects = TreatmentTypeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="treatment_type_name_unique"),
            models.CheckConstraint(name="treatment_type_cost_not_negative", condition=Q(base_cost__gte=0)),
        ]
        triggers = [Kept(name="treatment_type_kept")]

    def __str__(self):
        return self.name


class Treatment(BaseModel):
    """What was done in a visit. Name and base cost are those of the catalogue on that day."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="treatments")
    treatment_type = models.ForeignKey(TreatmentType, models.PROTECT, related_name="+", help_text="Its line of the catalogue.")
    name = models.CharField(max_length=120)
    base_cost = models.DecimalField(max_digits=12, decimal_places=2, help_text="In the clinic's currency, without medicines.")
    medicines = models.JSONField(
        default=list,
        editable=False,
        help_text="What was used, as it was charged that day: a list of {medicine, name, unit, quantity, unit_price, cost}.",
    )
    medicines_cost = models.DecimalField(
        max_digits=12, decimal_places=2, default=Decimal(0), editable=False, help_text="The sum of its medicines, in the clinic's currency."
    )
    notes = models.TextField(max_length=2000, blank=True, help_text="What was done, in a person's words.")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    class Meta:
        ordering = ["recorded_at", "id"]
        constraints = [
            models.CheckConstraint(name="treatment_cost_not_negative", condition=Q(base_cost__gte=0)),
            models.CheckConstraint(name="treatment_medicines_cost_not_negative", condition=Q(medicines_cost__gte=0)),
        ]
        triggers = [
            FrozenWithEncounter(name="treatment_frozen_when_signed"),
            Frozen(name="treatment_stays_with_its_encounter", condition=pgtrigger.AnyChange("encounter")),
        ]

    @property
    def cost(self) -> Decimal:
        """In the clinic's currency: what is charged for it, medicines included."""
        return self.base_cost + self.medicines_cost
