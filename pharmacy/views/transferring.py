"""Carrying stock between stores, and the stores themselves."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, refusal_status
from pharmacy.forms import StoreForm, put_errors
from pharmacy.models import Medicine, StockTransfer, Store
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.rules.quantities import counted
from pharmacy.selectors.stock import batches_of
from pharmacy.services.stores import add_store
from pharmacy.services.transferring import transfer_stock
from pharmacy.views.stock import new_transfer_form, show, stock_tabs
from pharmacy.views.witness import posted_witness

PAGE_SIZE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_STOCK, writing=MANAGE_STOCK)
def transfers(request):
    """What was carried where, and the stores; the form adds one."""
    can_manage, form = request.user.has_perm(MANAGE_STOCK), StoreForm(request.POST or None)
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            store = add_store(data=form.cleaned_data, by=request.user)
        except DomainError as error:
            refusal = error
            put_errors(form, error.errors or {"name": [error.detail]})
        else:
            messages.success(request, f"{store.name} is added.")
            return redirect("pharmacy:transfers")
    context = {
        "page_obj": Paginator(StockTransfer.objects.with_details().order_by("-id"), PAGE_SIZE).get_page(request.GET.get("page")),
        "stores": Store.objects.select_related("facility").order_by("-is_default", "name", "id"),
        "form": form,
        "can_manage": can_manage,
        "tabs": stock_tabs("transfers"),
    }
    status = refusal_status(request, refusal or InvalidInput()) if form.errors else 200
    return render(request, "pharmacy/transfers.html", context, status=status)


@require_POST
@permission_required_page(MANAGE_STOCK)
def transfer(request, medicine):
    row = get_object_or_404(Medicine, public_id=medicine)
    form = new_transfer_form(batches_of(row), list(Store.objects.all()), request.POST, on=timezone.localdate())
    if not form.is_valid():
        return show(request, medicine, transfer_form=form, refused="transfer")
    data = form.cleaned_data
    try:
        made = transfer_stock(
            batch_id=data["batch"].pk,
            store=data["store"],
            quantity=data["quantity"],
            by=request.user,
            on=timezone.localdate(),
            witness=posted_witness(request),
            request_id=data["request_id"],
        )
    except DomainError as refusal:
        put_errors(form, refusal.errors or {"": [refusal.detail]})
        return show(request, medicine, transfer_form=form, refusal=refusal, refused="transfer")
    messages.success(request, f"{counted(made.quantity, row.unit).capitalize()} of lot {made.source.lot} went to {data['store']}.")
    return redirect("pharmacy:medicine", medicine)
