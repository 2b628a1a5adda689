"""The call list of a recall."""

from django.contrib import messages
from django.db.models import Sum
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from patients.models import Patient
from pharmacy.forms import CallForm, first_error
from pharmacy.models import Batch
from pharmacy.permissions import MANAGE_STOCK
from pharmacy.services.recall import read_recipients, record_call


@require_safe
@permission_required_page(MANAGE_STOCK)
def recipients(request, batch):
    return show(request, _batch(batch))


def _batch(public_id) -> Batch:
    return get_object_or_404(Batch.objects.select_related("medicine"), public_id=public_id)


def show(request, batch: Batch, *, refusal: DomainError | None = None):
    told = read_recipients(batch=batch, by=request.user)
    context = {
        "batch": batch,
        "recipients": told,
        "to_call": sum(not each.is_settled for each in told),
        "on_hand": Batch.objects.of_lot(batch).order_by().aggregate(units=Sum("on_hand"))["units"],
        "units_left": sum(each.left for each in told),
        "outcomes": CallForm.base_fields["outcome"].choices,
        "refusal": " ".join(words for each in (refusal.errors or {}).values() for words in each) or refusal.detail if refusal else "",
    }
    return render(request, "pharmacy/recipients.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_POST
@permission_required_page(MANAGE_STOCK)
def call(request, batch):
    row = _batch(batch)
    form = CallForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(first_error(form))
        data = dict(form.cleaned_data)
        patient = get_object_or_404(Patient.objects.visible_to(request.user), public_id=data.pop("patient"))
        record_call(batch_id=row.pk, patient_id=patient.pk, by=request.user, request_id=posted_request_id(request), **data)
    except DomainError as refusal:
        return show(request, row, refusal=refusal)
    messages.success(request, "Written down.")
    return redirect(reverse("pharmacy:recipients", args=[row.public_id]))
