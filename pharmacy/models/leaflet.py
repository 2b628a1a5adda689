from django.db import models
from django.db.models import Q

from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly, NotTruncated

# What a leaflet tells, in this order.
SECTIONS = {
    "what_for": "What it is for",
    "how_to_take": "How to take it",
    "when_not": "When not to take it",
    "side_effects": "Possible side effects",
    "storage": "How to keep it",
}


class MedicineLeafletQuerySet(models.QuerySet):
    def current(self):
        """The newest of each medicine."""
        return self.order_by("medicine_id", "-number").distinct("medicine_id")


class MedicineLeaflet(BaseModel):
    """What a patient is told about a medicine, in plain words. A new text is a new row: what was printed can be found again."""

    medicine = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="leaflets")
    number = models.PositiveIntegerField(help_text="1, 2, ... of its medicine; the highest one is printed.")
    what_for = models.TextField(help_text="What the medicine is for.")
    how_to_take = models.TextField(help_text="How it is taken, besides what the doctor wrote.")
    when_not = models.TextField(help_text="Who should not take it, or should ask first.")
    side_effects = models.TextField(help_text="What it may do besides, and when to get help.")
    storage = models.TextField(help_text="How it is kept.")
    source = models.CharField(max_length=200, help_text="Whose words these are.")
    reviewed_on = models.DateField(help_text="When somebody last checked the text.")

    objects = MedicineLeafletQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["medicine", "number"], name="leaflet_number_once"),
            models.CheckConstraint(name="leaflet_number_positive", condition=Q(number__gt=0)),
            models.CheckConstraint(
                name="leaflet_says_everything",
                condition=~Q(what_for="") & ~Q(how_to_take="") & ~Q(when_not="") & ~Q(side_effects="") & ~Q(storage="") & ~Q(source=""),
            ),
        ]
        triggers = [AppendOnly(name="leaflet_unchanged"), NotTruncated(name="leaflet_not_truncated")]

    @property
    def sections(self) -> list[tuple[str, str]]:
        """(heading, words)"""
        return [(heading, getattr(self, name)) for name, heading in SECTIONS.items()]
