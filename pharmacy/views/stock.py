"""The store room: medicines, batches, the ledger."""

from datetime import date, timedelta

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from pharmacy.forms import AdjustForm, ReasonForm, ReceiveForm, TransferForm, first_error, put_errors
from pharmacy.models import Batch, BatchState, Medicine, MovementKind, Store
from pharmacy.models.stock import NEXT_STATES
from pharmacy.permissions import DISPENSE, MANAGE_STOCK, VIEW_STOCK
from pharmacy.selectors import demand
from pharmacy.selectors import stock as selectors
from pharmacy.services import stock as services
from pharmacy.services.register import read_register
from pharmacy.views.witness import posted_witness

PAGE_SIZE = 50
_DONE = {BatchState.RECALLED: "is recalled", BatchState.QUARANTINED: "is in quarantine", BatchState.AVAILABLE: "is released"}


@require_safe
@permission_required_page(VIEW_STOCK)
def stock(request):
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    only = request.GET.get("only", "")
    on = timezone.localdate()
    days = next((each for each in selectors.EXPIRING_DAYS if str(each) == request.GET.get("days")), selectors.SOON.days)
    found = selectors.medicines_in_stock(on=on, search=search, only=only, within=timedelta(days=days))
    context = {
        "page_obj": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "search": search,
        "only": only,
        "days": days,
        "expiring_days": selectors.EXPIRING_DAYS,
        "on": on,
        "soon": on + selectors.SOON,
        "tabs": stock_tabs(only),
    }
    if request.htmx:
        return render(request, "pharmacy/_stock.html", context)
    return render(request, "pharmacy/stock.html", context | {"value": demand.stock_value(on=on)})


def stock_tabs(current: str) -> list[dict]:
    here = reverse("pharmacy:stock")
    lists = [("", "All"), ("low", "Low"), ("expiring", "Expiring")]
    tabs = [{"label": label, "url": f"{here}?only={key}" if key else here, "current": current == key} for key, label in lists]
    pages = {
        "reorder": "To order",
        "orders": "Orders",
        "suppliers": "Suppliers",
        "transfers": "Transfers",
        "stock_takes": "Stock takes",
    }
    return tabs + [{"label": label, "url": reverse(f"pharmacy:{name}"), "current": current == name} for name, label in pages.items()]


@require_safe
@permission_required_page(VIEW_STOCK)
def reorder(request):
    """What to order now, from what really went out; or, for comparison, every medicine."""
    everything = request.GET.get("show") == "all"
    context = {
        "lines": demand.reorder_lines(on=timezone.localdate(), only_due=not everything),
        "everything": everything,
        "demand_days": demand.DEMAND_DAYS,
        "lead_days": settings.STOCK_LEAD_DAYS,
        "cover_days": settings.STOCK_COVER_DAYS,
        "tabs": stock_tabs("reorder"),
    }
    return render(request, "pharmacy/reorder.html", context)


@require_safe
@permission_required_page(VIEW_STOCK)
def medicine(request, medicine):
    return show(request, medicine)


@require_safe
@permission_required_page(DISPENSE)
def register(request, medicine):
    """The register of a controlled medicine: every unit, with a running balance over all batches."""
    row = get_object_or_404(Medicine.objects.filter(is_controlled=True), public_id=medicine)
    page = Paginator(selectors.register_of(row), PAGE_SIZE).get_page(request.GET.get("page"))
    read_register(medicine=row, entries=page.object_list, by=request.user)
    return render(request, "pharmacy/register.html", {"medicine": row, "page_obj": page, "printed_at": timezone.now()})


def show(request, public_id, *, refusal: DomainError | None = None, refused: str = "", form=None, transfer_form=None):
    """The page of one medicine. `refused` is 'receive', 'transfer' or the public id of the batch whose form was refused."""
    on = timezone.localdate()
    row = get_object_or_404(Medicine.objects.with_stock(on), public_id=public_id)
    batches, stores = selectors.batches_of(row), list(Store.objects.all())
    context = {
        "medicine": row,
        "on": on,
        "soon": on + selectors.SOON,
        "batches": batches,
        "weeks": demand.weekly_consumption(row, on=on),
        "page_obj": Paginator(selectors.ledger_of(row), PAGE_SIZE).get_page(request.GET.get("page")),
        "can_manage": request.user.has_perm(MANAGE_STOCK),
        "receive_form": form or ReceiveForm(unit=row.unit, stores=stores),
        "transfer_form": transfer_form or new_transfer_form(batches, stores, on=on),
        "adjust_form": AdjustForm(auto_id=False),
        "reason_form": ReasonForm(auto_id=False),
        "refusal": refusal.detail if refusal else "",
        "refused": refused,
    }
    bad = any(each is not None and each.errors for each in (form, transfer_form))
    status = refusal_status(request, refusal) if refusal else refusal_status(request, InvalidInput()) if bad else 200
    return render(request, "pharmacy/medicine.html", context, status=status)


def new_transfer_form(batches: list[Batch], stores: list[Store], data=None, *, on: date) -> TransferForm:
    return TransferForm(data, batches=selectors.transferable(batches, on=on), stores=stores)


@require_POST
@permission_required_page(MANAGE_STOCK)
def receive(request, medicine):
    row = get_object_or_404(Medicine, public_id=medicine)
    form = ReceiveForm(request.POST, unit=row.unit)
    if not form.is_valid():
        return show(request, medicine, form=form, refused="receive")
    data = dict(form.cleaned_data)
    supplier = data.pop("supplier")
    try:
        batch = services.receive_batch(
            medicine_id=row.pk, supplier_id=supplier and supplier.pk, by=request.user, on=timezone.localdate(), **data
        )
    except DomainError as refusal:
        put_errors(form, refusal.errors)
        return show(request, medicine, form=form, refusal=refusal, refused="receive")
    messages.success(request, f"Received. Batch {batch.lot} has {batch.on_hand} on hand.")
    return redirect("pharmacy:medicine", medicine)


@require_POST
@permission_required_page(MANAGE_STOCK)
def adjust(request, batch):
    row = get_object_or_404(Batch.objects.select_related("medicine"), public_id=batch)
    form = AdjustForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(first_error(form))
        services.adjust_batch(
            batch_id=row.pk,
            quantity=form.cleaned_data["quantity"],
            reason=form.cleaned_data["reason"],
            kind=MovementKind.WASTE if form.cleaned_data["is_waste"] else MovementKind.ADJUSTMENT,
            by=request.user,
            witness=posted_witness(request),
            request_id=posted_request_id(request),
        )
    except DomainError as refusal:
        return show(request, row.medicine.public_id, refusal=in_words(refusal), refused=str(batch))
    messages.success(request, f"Batch {row.lot} is adjusted.")
    return redirect("pharmacy:medicine", row.medicine.public_id)


@require_POST
@permission_required_page(MANAGE_STOCK)
def change_state(request, batch, to):
    row = get_object_or_404(Batch.objects.select_related("medicine"), public_id=batch)
    form = ReasonForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(first_error(form))
        services.change_batch_state(batch_id=row.pk, to=to, reason=form.cleaned_data["reason"], by=request.user)
    except DomainError as refusal:
        return show(request, row.medicine.public_id, refusal=in_words(refusal), refused=str(batch))
    messages.success(request, f"Batch {row.lot} {_DONE[to]}.")
    return redirect("pharmacy:medicine", row.medicine.public_id)


class BatchStateConverter:
    """A state that a batch can be put into, in a path."""

    regex = "|".join(NEXT_STATES)

    def to_python(self, value):
        return BatchState(value)

    def to_url(self, value):
        return str(value)


def in_words(refusal: DomainError) -> DomainError:
    """A refusal whose sentence holds what its fields say: a dialog is closed by the time the page is shown again."""
    words = " ".join(each for messages_ in (refusal.errors or {}).values() for each in messages_)
    refusal.detail = words or refusal.detail
    return refusal
