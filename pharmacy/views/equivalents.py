"""Which medicines may be given for one, as the pharmacist decides."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from clinic.core.errors import InvalidInput
from clinic.core.pages import permission_required_page, refusal_status
from pharmacy.forms import EquivalentForm, put_errors
from pharmacy.models import Equivalent, Medicine
from pharmacy.permissions import MANAGE_MEDICINE
from pharmacy.selectors.equivalents import stands_for
from pharmacy.services.equivalents import approve_equivalent, withdraw_equivalent


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(MANAGE_MEDICINE)
def equivalents(request, medicine):
    """Those that are the same, those approved, and a form to approve one more."""
    row = get_object_or_404(Medicine, public_id=medicine)
    form = EquivalentForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = refusal_status(request, InvalidInput())
        if form.is_valid():
            try:
                approve_equivalent(medicine=row, other=form.cleaned_data["other"], reason=form.cleaned_data["reason"], by=request.user)
            except InvalidInput as refusal:
                put_errors(form, refusal.errors)
            else:
                messages.success(request, f"{form.cleaned_data['other'].name} may be given for {row.name}, and the other way round.")
                return redirect("pharmacy:equivalents", medicine)
    return render(
        request,
        "pharmacy/equivalents.html",
        {"medicine": row, "form": form, "stands": stands_for(row, on=timezone.localdate())},
        status=status,
    )


@require_POST
@permission_required_page(MANAGE_MEDICINE)
def withdraw(request, medicine, pair):
    row = get_object_or_404(Medicine, public_id=medicine)
    withdraw_equivalent(pair_id=get_object_or_404(Equivalent.objects.of(row), public_id=pair).pk, by=request.user)
    messages.success(request, "Withdrawn. What was given stays on record.")
    return redirect("pharmacy:equivalents", medicine)
