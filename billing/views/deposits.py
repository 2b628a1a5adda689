"""Money in advance: taken and given back at the desk, used on an invoice."""

from decimal import Decimal

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.forms import DepositForm, RefundForm
from billing.models import Deposit
from billing.permissions import REFUND_PAYMENT, TAKE_PAYMENT
from billing.services import deposits
from billing.views.invoice import done, find, show
from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, say_refusal
from clinic.core.templatetags.ui import money
from patients.models import Patient


def _desk(request, patient):
    return redirect(f"{reverse('billing:cashier')}?q={patient.mrn}")


@require_POST
@permission_required_page(TAKE_PAYMENT)
def take(request, patient):
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    form = DepositForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput("Give an amount above zero, with two decimals at most, and how it is paid.")
        made = deposits.take_deposit(patient_id=row.pk, by=request.user, **form.cleaned_data)
        messages.success(request, f"{money(made.amount)} taken in advance.")
    except DomainError as refusal:
        say_refusal(request, refusal)
    return _desk(request, row)


@require_POST
@permission_required_page(REFUND_PAYMENT)
def refund(request, deposit):
    row = get_object_or_404(Deposit.objects.visible_to(request.user).select_related("patient"), public_id=deposit)
    form = RefundForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput("Give an amount above zero, and say why.")
        given = deposits.refund_deposit(deposit_id=row.pk, by=request.user, request_id=posted_request_id(request), **form.cleaned_data)
        messages.success(request, f"{money(given.amount)} given back by {row.get_method_display().lower()}.")
    except DomainError as refusal:
        say_refusal(request, refusal)
    return _desk(request, row.patient)


@require_POST
@permission_required_page(TAKE_PAYMENT)
def apply(request, invoice):
    """Pay as much as is owed and there is."""
    row = find(request, invoice)
    try:
        made = deposits.apply_deposits(invoice_id=row.pk, by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="issue")
    messages.success(request, f"{money(sum((payment.amount for payment in made), Decimal(0)))} paid from the advance.")
    return done(request, row, f"?paid={made[0].public_id}")
