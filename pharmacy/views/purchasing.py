"""Orders from suppliers: what is awaited, taking it in, and who delivers."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from pharmacy.forms import OrderForm, OrderReceiptForm, ReasonForm, SupplierForm, first_error, put_errors
from pharmacy.models import Medicine, PurchaseOrder, Store, Supplier
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.services import catalogue, purchasing
from pharmacy.views.stock import in_words, stock_tabs

PAGE_SIZE = 30


@require_safe
@permission_required_page(VIEW_STOCK)
def orders(request):
    everything = request.GET.get("show") == "all"
    found = PurchaseOrder.objects.with_details().order_by("-id")
    page = Paginator(found if everything else found.open(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "everything": everything, "tabs": stock_tabs("orders"), "can_manage": request.user.has_perm(MANAGE_STOCK)}
    return render(request, "pharmacy/orders.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(MANAGE_STOCK)
def new_order(request):
    form = OrderForm(request.POST or None)
    refusal = None
    if request.method == "POST" and form.is_valid():
        try:
            order = purchasing.place_order(
                supplier_id=form.cleaned_data["supplier"].pk,
                lines=form.lines,
                by=request.user,
                request_id=form.cleaned_data["request_id"],
            )
        except DomainError as error:
            refusal = error
            put_errors(form, error.errors or {"": [error.detail]})
        else:
            messages.success(request, "Ordered.")
            return redirect("pharmacy:order", order.public_id)
    names = Medicine.objects.active().order_by("name").values_list("name", flat=True).distinct()
    status = refusal_status(request, refusal or InvalidInput()) if form.errors else 200
    return render(request, "pharmacy/new_order.html", {"form": form, "medicine_names": names}, status=status)


@require_safe
@permission_required_page(VIEW_STOCK)
def order(request, order: UUID):
    return show(request, order)


def show(request, public_id: UUID, *, refusal: DomainError | None = None, refused: str = "", typed=None):
    """One order. `refused` is the public id of the line whose receipt was refused, or 'cancel'."""
    row = get_object_or_404(PurchaseOrder.objects.with_details(), public_id=public_id)
    context = {
        "order": row,
        "can_manage": request.user.has_perm(MANAGE_STOCK),
        "refusal": refusal.detail if refusal else "",
        "refused": refused,
        "typed": typed or {},
        "stores": Store.objects.all(),
        "reason_form": ReasonForm(auto_id="cancel_%s"),
    }
    return render(request, "pharmacy/order.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_POST
@permission_required_page(MANAGE_STOCK)
def receive(request, order: UUID, line: UUID):
    row = get_object_or_404(PurchaseOrder, public_id=order)
    form = OrderReceiptForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(first_error(form))
        batch = purchasing.receive_order(
            order_id=row.pk,
            line=line,
            by=request.user,
            on=timezone.localdate(),
            request_id=posted_request_id(request),
            **form.cleaned_data,
        )
    except DomainError as refusal:
        return show(request, order, refusal=in_words(refusal), refused=str(line), typed=request.POST)
    messages.success(request, f"Received. Batch {batch.lot} has {batch.on_hand} on hand.")
    return redirect("pharmacy:order", order)


@require_POST
@permission_required_page(MANAGE_STOCK)
def cancel(request, order: UUID):
    row = get_object_or_404(PurchaseOrder, public_id=order)
    form = ReasonForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(first_error(form))
        purchasing.cancel_rest(order_id=row.pk, reason=form.cleaned_data["reason"], by=request.user)
    except DomainError as refusal:
        return show(request, order, refusal=in_words(refusal), refused="cancel")
    messages.success(request, "The rest of the order is no longer awaited.")
    return redirect("pharmacy:order", order)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_STOCK, writing=MANAGE_STOCK)
def suppliers(request):
    """Who delivers; the last form adds one."""
    can_manage, form = request.user.has_perm(MANAGE_STOCK), SupplierForm(request.POST or None)
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            catalogue.add_supplier(data=form.cleaned_data, by=request.user)
        except DomainError as error:
            refusal = error
            put_errors(form, error.errors or {"name": [error.detail]})
        else:
            messages.success(request, "Added.")
            return redirect("pharmacy:suppliers")
    context = {
        "suppliers": Supplier.objects.order_by("name", "id"),
        "form": form,
        "can_manage": can_manage,
        "tabs": stock_tabs("suppliers"),
    }
    status = refusal_status(request, refusal or InvalidInput()) if form.errors else 200
    return render(request, "pharmacy/suppliers.html", context, status=status)
