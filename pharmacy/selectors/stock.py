"""What the stock pages show."""

from datetime import date, timedelta

from django.db.models import F

from pharmacy.models import Batch, Medicine, StockMovement

SOON = timedelta(days=90)


def medicines_in_stock(*, on: date, search: str = "", only: str = ""):
    """Active medicines with on_hand and next_expiry; `only` is low, expiring or nothing."""
    found = Medicine.objects.active().with_on_hand(on).with_next_expiry().matching(search)
    if only == "low":
        return found.filter(on_hand__lte=F("reorder_level")).order_by("on_hand", "name", "id")
    if only == "expiring":
        return found.filter(next_expiry__lte=on + SOON).order_by("next_expiry", "name", "id")
    return found.order_by("name", "id")


def batches_of(medicine: Medicine):
    """Those with something on hand first, as they go out; the used-up ones after them, newest first."""
    batches = Batch.objects.filter(medicine=medicine).select_related("supplier", "returned_from")
    held = list(batches.filter(on_hand__gt=0).order_by("expires_on", "received_on", "id"))
    return held + list(batches.filter(on_hand=0).order_by("-id")[:20])


def ledger_of(medicine: Medicine):
    return (
        StockMovement.objects.filter(batch__medicine=medicine)
        .select_related("batch", "by", "dispense_line__dispense__prescription")
        .order_by("-id")
    )
