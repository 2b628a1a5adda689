import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen, Kept


class StoreKind(models.TextChoices):
    DISPENSARY = "dispensary", "Dispensary"
    STOREROOM = "storeroom", "Storeroom"
    WARD = "ward", "Ward"


class StoreManager(models.Manager):
    def default(self) -> "Store":
        """Where stock is taken in unless another store is named. The migrations make it; an emptied table gets it again."""
        return self.get_or_create(is_default=True, defaults={"name": "Dispensary", "kind": StoreKind.DISPENSARY})[0]


class Store(BaseModel):
    """A place where stock stands. Only what stands in a dispensary is handed out, or used in a treatment."""

    name = models.CharField(max_length=80, help_text="As the staff call it.")
    kind = models.CharField(max_length=10, choices=StoreKind, help_text="What it is for; it stays so.")
    facility = models.ForeignKey(
        "accounts.Facility",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Where it is; empty when there is one place only.",
    )
    is_default = models.BooleanField(default=False, editable=False, help_text="Whether deliveries go there unless another one is named.")

    objects = StoreManager()

    class Meta:
        ordering = ["-is_default", "name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="store_name_once"),
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="store_one_default"),
            models.CheckConstraint(name="store_has_name", condition=~Q(name="")),
            models.CheckConstraint(name="store_kind_known", condition=Q(kind__in=StoreKind.values)),
            models.CheckConstraint(name="store_default_is_a_dispensary", condition=Q(is_default=False) | Q(kind=StoreKind.DISPENSARY)),
        ]
        triggers = [
            Frozen(name="store_kind_is_final", condition=pgtrigger.AnyChange("kind", "is_default")),
            Kept(name="store_default_kept", condition=pgtrigger.Condition("OLD.is_default")),
        ]

    def __str__(self):
        return self.name

    @property
    def hands_out(self) -> bool:
        return self.kind == StoreKind.DISPENSARY
