from datetime import date
from uuid import UUID

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from billing.models.fields import money_field
from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly, Frozen, Kept


class PricedQuerySet(models.QuerySet):
    def priced_on(self, on: date):
        """At most one of each code."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=on), valid_from__lte=on)

    def by_code_or_id(self, text: str):
        """The one with this code (any case) or public id; None when there is none."""
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

    objects = PricedQuerySet.as_manager()

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


class Package(BaseModel):
    """Several things of the price list at one price, for a period. What was offered is not rewritten: it ends, and another follows."""

    code = models.CharField(max_length=30, help_text="Stable over changes, e.g. 'CHECKUP'.")
    name = models.CharField(max_length=120, help_text="As it stands on invoices.")
    price = money_field("Of all its parts together, before tax.")
    valid_from = models.DateField(help_text="The first day.")
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it is no longer offered.")

    objects = PricedQuerySet.as_manager()

    class Meta:
        ordering = ["code", "valid_from"]
        constraints = [
            models.CheckConstraint(name="package_price_not_negative", condition=Q(price__gte=0)),
            models.CheckConstraint(name="package_named", condition=~Q(code="") & ~Q(name="")),
            models.CheckConstraint(
                name="package_valid_period_not_empty", condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from"))
            ),
            ExclusionConstraint(
                name="package_one_at_a_time",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (Func("valid_from", "valid_until", function="daterange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers = [
            Frozen(name="package_only_ends", condition=pgtrigger.AnyChange(exclude=["valid_until"])),
            Kept(name="package_kept"),
        ]

    def __str__(self):
        return self.name


class PackagePart(models.Model):
    """So many of one thing of the price list, by its code: a package lasts through changes of prices."""

    package = models.ForeignKey(Package, models.PROTECT, related_name="parts", help_text="What it is part of.")
    code = models.CharField(max_length=30, help_text="Of the price list.")
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["package", "code"], name="package_part_once"),
            models.CheckConstraint(name="package_part_quantity_positive", condition=Q(quantity__gt=0)),
        ]
        triggers = [AppendOnly(name="package_part_append_only")]

    def __str__(self):
        return f"{self.quantity} {self.code}"
