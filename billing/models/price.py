from datetime import date
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from clinic.core.models import BaseModel


class PriceItemQuerySet(models.QuerySet):
    def priced_on(self, on: date):
        """At most one price of each code."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=on), valid_from__lte=on)

    def by_code_or_id(self, text: str):
        """The price with this code (any case) or public id; None when there is none."""
        try:
            return self.filter(public_id=UUID(text)).first()
        except ValueError:
            return self.filter(code__iexact=text.strip()).first() if "\0" not in text else None


class PriceItem(BaseModel):
    """A price of the clinic, for a period."""

    code = models.CharField(max_length=30, help_text="Stable over price changes, e.g. 'ECG'.")
    name = models.CharField(max_length=120)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds.")

    objects = PriceItemQuerySet.as_manager()

    class Meta:
        ordering = ["code", "valid_from"]
        constraints = [
            models.CheckConstraint(name="price_not_negative", condition=Q(unit_price__gte=0)),
            models.CheckConstraint(name="price_tax_within_0_to_100", condition=Q(tax_percent__range=(0, 100))),
            models.CheckConstraint(
                name="price_valid_period_not_empty", condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from"))
            ),
            ExclusionConstraint(
                name="price_one_at_a_time",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (Func("valid_from", "valid_until", function="daterange"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="There is a price with this code in that period already.",
            ),
        ]

    def __str__(self):
        return self.name
