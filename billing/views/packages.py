"""Packages of the price list."""

from datetime import timedelta

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from billing.forms import PackageForm, put_errors
from billing.models import Package, PriceItem
from billing.permissions import MANAGE_PRICE, VIEW_PRICE
from billing.services.packages import end_package, set_package
from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, refusal_status, say_refusal


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_PRICE, writing=MANAGE_PRICE)
def packages(request):
    """What is offered; by POST, which needs the right to set prices, one more."""
    today, refusal = timezone.localdate(), None
    form = PackageForm(request.POST or None, initial={"valid_from": today})
    if request.method == "POST" and form.is_valid():
        try:
            made = set_package(by=request.user, **form.cleaned_data)
            messages.success(request, f"{made.name} is offered.")
            return redirect("billing:packages")
        except DomainError as error:
            put_errors(form, error.errors)
            refusal = error
    context = {
        "packages": Package.objects.prefetch_related("parts").order_by("code", "-valid_from")[:100],
        "prices": PriceItem.objects.priced_on(today).order_by("name"),
        "form": form,
        "today": today,
        "refusal": refusal.detail if refusal else "",
    }
    status = refusal_status(request, refusal) if refusal else 400 if form.errors else 200
    return render(request, "billing/packages.html", context, status=status)


@require_POST
@permission_required_page(MANAGE_PRICE)
def end(request, package):
    row = get_object_or_404(Package, public_id=package)
    try:
        end_package(package_id=row.pk, valid_until=max(timezone.localdate(), row.valid_from + timedelta(days=1)), by=request.user)
    except DomainError as refusal:
        say_refusal(request, refusal)
    return redirect("billing:packages")
