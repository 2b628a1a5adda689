from datetime import date

from django.db import models
from django.db.models import F, IntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Lower

from clinic.core.models import VersionedModel


def _units(batches: Q) -> Coalesce:
    """The units of a medicine's batches of that kind."""
    from pharmacy.models.stock import Batch

    own = Batch.objects.filter(batches, medicine=OuterRef("pk")).order_by().values("medicine")
    return Coalesce(Subquery(own.annotate(units=Sum("on_hand")).values("units"), output_field=IntegerField()), 0)


class MedicineQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def matching(self, words: str):
        """Every word stands in the name, the ingredients or the code."""
        found = self
        for word in words.split()[:8]:
            found = found.filter(Q(name__icontains=word) | Q(generic_name__icontains=word) | Q(code__iexact=word))
        return found

    def with_on_hand(self, on: date):
        """Annotate `on_hand`: the units that may go out on that day, of the dispensaries."""
        from pharmacy.models.stock import usable_on

        return self.annotate(on_hand=_units(usable_on(on)))

    def with_stock(self, on: date):
        """Annotate `on_hand`, and `in_stores`: all good units, wherever they stand."""
        from pharmacy.models.stock import sound_on

        return self.with_on_hand(on).annotate(in_stores=_units(sound_on(on)))

    def with_next_expiry(self):
        """Annotate `next_expiry`: the soonest among what is on hand and not set aside."""
        from pharmacy.models.stock import Batch, BatchState

        held = Batch.objects.filter(medicine=OuterRef("pk"), on_hand__gt=0, state=BatchState.AVAILABLE).order_by("expires_on")
        return self.annotate(next_expiry=Subquery(held.values("expires_on")[:1]))

    def low(self, on: date):
        """At or below the reorder level, all stores together; the emptiest first."""
        return self.active().with_stock(on).filter(in_stores__lte=F("reorder_level")).order_by("in_stores", "name", "id")


class IssuePolicy(models.TextChoices):
    """Which batch goes out first."""

    FEFO = "fefo", "Soonest expiry first"
    FIFO = "fifo", "Oldest receipt first"


class Medicine(VersionedModel):
    """What can be prescribed and stocked. Quantities everywhere are integers of `unit`, the smallest that is handed out."""

    name = models.CharField(max_length=120, help_text="As the staff say it, with the strength, e.g. 'Amoxicillin 500 mg'.")
    generic_name = models.CharField(max_length=160, help_text="Ingredients, separated by ' + '.")
    form = models.CharField(max_length=40, help_text="tablet, capsule, syrup, ...")
    strength = models.CharField(max_length=60, blank=True)
    unit = models.CharField(max_length=20, default="tablet", help_text="The smallest unit that is handed out: tablet, ml, sachet, ...")
    code_system = models.CharField(max_length=8, choices=[("atc", "ATC"), ("rxnorm", "RxNorm")], blank=True)
    code = models.CharField(max_length=20, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, help_text="Per unit, in the clinic's currency.")
    reorder_level = models.PositiveIntegerField(default=0, help_text="In units; at or below it the medicine is low.")
    issue_policy = models.CharField(
        "goes out",
        max_length=4,
        choices=IssuePolicy,
        default=IssuePolicy.FEFO,
        db_default=IssuePolicy.FEFO,
        help_text="Which batch goes out first. What is expired never does.",
    )
    prescription_required = models.BooleanField(default=True)
    is_controlled = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects = MedicineQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), Lower("form"), name="medicine_name_and_form_once"),
            models.CheckConstraint(name="medicine_price_not_negative", condition=Q(price__gte=0)),
            models.CheckConstraint(name="medicine_issue_policy_known", condition=Q(issue_policy__in=IssuePolicy.values)),
        ]

    def __str__(self):
        return self.name

    @property
    def is_oldest_first(self) -> bool:
        return self.issue_policy == IssuePolicy.FIFO

    @property
    def ingredients(self) -> list[str]:
        return [part.strip().lower() for part in self.generic_name.split("+") if part.strip()]
