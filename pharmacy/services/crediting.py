"""Billing's word that the price of what came back was credited."""

from collections.abc import Mapping

from clinic.core.db import atomic_with_retry
from pharmacy.models import DispenseLine


@atomic_with_retry
def count_credited(*, units: Mapping[int, int]) -> None:
    """Of dispense lines (by their keys), so many more units are credited. The caller holds the prescriptions' locks.

    The database refuses more than was returned.
    """
    lines = list(DispenseLine.objects.filter(pk__in=units).order_by("pk"))
    for line in lines:
        line.credited_quantity += units[line.pk]
    DispenseLine.objects.bulk_update(lines, ["credited_quantity"])
