from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from clinic.core.models import BaseModel


class PriceItem(BaseModel):
    """A price of the clinic, for a period."""

    code = models.CharField(max_length=30, help_text="Stable over price changes, e.g. 'ECG'.")
    name = models.CharField(max_length=120)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds.")

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
