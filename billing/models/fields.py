from decimal import Decimal

from django.db import models


def money_field(help_text: str, **options) -> models.DecimalField:
    return models.DecimalField(max_digits=12, decimal_places=2, help_text=help_text, **options)


def sum_field(help_text: str) -> models.DecimalField:
    """An amount that services keep, from zero on."""
    zero = Decimal("0.00")
    return money_field(help_text, default=zero, db_default=zero, editable=False)
