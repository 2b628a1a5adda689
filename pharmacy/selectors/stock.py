"""What the stock pages show."""

from datetime import date, timedelta

from django.db.models import F, Prefetch, Q, Sum, Window

from pharmacy.models import Batch, CountLine, Medicine, StockMovement
from pharmacy.rules.picks import is_usable

SOON = timedelta(days=90)
EXPIRING_DAYS = (30, 60, SOON.days)


def medicines_in_stock(*, on: date, search: str = "", only: str = "", within: timedelta = SOON):
    """Active medicines with on_hand, in_stores and next_expiry; `only` is low, expiring (`within` that time) or nothing."""
    found = Medicine.objects.active().with_stock(on).with_next_expiry().matching(search)
    if only == "low":
        return found.filter(in_stores__lte=F("reorder_level")).order_by("in_stores", "name", "id")
    if only == "expiring":
        return found.filter(next_expiry__lte=on + within).order_by("next_expiry", "name", "id")
    return found.order_by("name", "id")


def batches_of(medicine: Medicine):
    """Those with something on hand first, as they go out; the used-up ones after them, newest first."""
    own = Batch.objects.filter(medicine=medicine)
    used_up = own.filter(on_hand=0).order_by("-id").values("pk")[:20]
    batches = own.filter(Q(on_hand__gt=0) | Q(pk__in=used_up)).with_details()
    held = sorted((each for each in batches if each.on_hand), key=lambda each: (each.expires_on, each.received_on, each.pk))
    return held + sorted((each for each in batches if not each.on_hand), key=lambda each: -each.pk)


def transferable(batches, *, on: date) -> list[Batch]:
    """Those that may be carried to another store."""
    return [each for each in batches if is_usable(each, on) and each.returned_from_id is None]


def register_of(medicine: Medicine):
    """The ledger of a medicine, newest first; `medicine_balance` is what was there of it after each line, in all batches."""
    prescription, visit = "dispense_line__item__prescription", "treatment_line__encounter"
    return (
        StockMovement.objects.filter(batch__medicine=medicine)
        .annotate(medicine_balance=Window(Sum("quantity"), order_by="id"))
        .select_related("batch", "by", "witness")
        .select_related(f"{prescription}__patient", f"{prescription}__prescriber__user", f"{visit}__patient", f"{visit}__doctor__user")
        .order_by("-id")
    )


def ledger_of(medicine: Medicine):
    return (
        StockMovement.objects.filter(batch__medicine=medicine)
        .select_related("batch__store", "by", "witness", "dispense_line__dispense__prescription")
        .order_by("-id")
    )


def with_sheet(takes):
    """Stock takes with all that a sheet shows: 1 more query."""
    lines = CountLine.objects.select_related("batch__medicine", "batch__store", "counted_by")
    lines = lines.order_by("batch__store__name", "batch__medicine__name", "batch__expires_on", "id")
    return takes.prefetch_related(Prefetch("lines", queryset=lines))
