"""Stock takes: sheets, counts, and the second person's approval."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, refusal_status
from pharmacy.forms import StockTakeForm, put_errors
from pharmacy.models import StockTake
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.selectors.stock import with_sheet
from pharmacy.services import stocktaking as services
from pharmacy.views.stock import in_words, stock_tabs

PAGE_SIZE = 30


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_STOCK, writing=MANAGE_STOCK)
def stock_takes(request):
    """The sheets so far; the form opens one."""
    can_manage, form = request.user.has_perm(MANAGE_STOCK), StockTakeForm(request.POST or None)
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            take = services.open_stock_take(by=request.user, **form.cleaned_data)
        except DomainError as error:
            refusal = error
            put_errors(form, error.errors or {"": [error.detail]})
        else:
            return redirect("pharmacy:stock_take", take.public_id)
    takes = StockTake.objects.select_related("opened_by", "closed_by").order_by("-id")
    context = {
        "page_obj": Paginator(takes, PAGE_SIZE).get_page(request.GET.get("page")),
        "form": form,
        "can_manage": can_manage,
        "tabs": stock_tabs("stock_takes"),
    }
    return render(
        request, "pharmacy/stock_takes.html", context, status=refusal_status(request, refusal or InvalidInput()) if form.errors else 200
    )


@require_safe
@permission_required_page(VIEW_STOCK)
def stock_take(request, take: UUID):
    return show(request, take)


def show(request, public_id: UUID, *, refusal: DomainError | None = None, typed=None):
    row = get_object_or_404(with_sheet(StockTake.objects.select_related("opened_by", "closed_by")), public_id=public_id)
    lines = list(row.lines.all())
    for line in lines:
        line.shown = (typed or {}).get(f"counted-{line.public_id}", "" if line.counted is None else line.counted)
    took_part = {row.opened_by_id, *(line.counted_by_id for line in lines)}
    can_manage = request.user.has_perm(MANAGE_STOCK) and row.is_open
    context = {
        "take": row,
        "lines": lines,
        "left": sum(line.counted is None for line in lines),
        "can_manage": can_manage,
        "can_approve": can_manage and request.user.pk not in took_part,
        "refusal": refusal.detail if refusal else "",
    }
    return render(request, "pharmacy/stock_take.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_POST
@permission_required_page(MANAGE_STOCK)
def write_counts(request, take: UUID):
    """What is left empty is not counted yet; what did not change is not counted again."""
    row = get_object_or_404(StockTake, public_id=take)
    try:
        services.write_counts(take_id=row.pk, counts=_posted_counts(request, row), by=request.user)
    except DomainError as refusal:
        return show(request, take, refusal=in_words(refusal), typed=request.POST)
    messages.success(request, "Counts are saved.")
    return redirect("pharmacy:stock_take", take)


def _posted_counts(request, take: StockTake) -> dict[UUID, int]:
    counts = {}
    for line in take.lines.select_related("batch"):
        typed = request.POST.get(f"counted-{line.public_id}", "").strip()
        if not typed:
            continue
        if not (typed.isascii() and typed.isdigit() and len(typed) <= 10):
            raise InvalidInput(f"Lot {line.batch.lot}: give a whole number from 0.")
        if int(typed) != line.counted:
            counts[line.public_id] = int(typed)
    if not counts:
        raise InvalidInput("Nothing new was counted.")
    return counts


@require_POST
@permission_required_page(MANAGE_STOCK)
def approve(request, take: UUID):
    return _close(request, take, services.approve_stock_take, "The stock is corrected to what was counted.")


@require_POST
@permission_required_page(MANAGE_STOCK)
def drop(request, take: UUID):
    return _close(request, take, services.drop_stock_take, "The sheet is closed. Nothing was corrected.")


def _close(request, public_id: UUID, close, words: str):
    row = get_object_or_404(StockTake, public_id=public_id)
    try:
        close(take_id=row.pk, by=request.user)
    except DomainError as refusal:
        return show(request, public_id, refusal=in_words(refusal))
    messages.success(request, words)
    return redirect("pharmacy:stock_take", public_id)
