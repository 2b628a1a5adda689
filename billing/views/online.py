"""A patient pays an invoice from a phone; and the page of the provider that takes no money."""

from uuid import uuid5

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billing.models import Invoice, OnlinePayment
from billing.permissions import VIEW_INVOICE
from billing.providers import TestProvider, provider
from billing.services.online import open_online_payment, receive_event
from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_INVOICE)
def pay_online(request, invoice):
    """What is owed, and the way to the provider's page; afterwards what came of it."""
    own = Invoice.objects.visible_to(request.user).filter(patient__user=request.user)
    row = get_object_or_404(own.select_related("patient").prefetch_related("lines"), public_id=invoice)
    refusal = None
    if request.method == "POST":
        try:
            online = open_online_payment(invoice_id=row.pk, by=request.user, request_id=posted_request_id(request))
            return redirect(provider().page_of(online))
        except DomainError as error:
            refusal = error
    context = {"invoice": row, "refusal": refusal.detail if refusal else ""}
    return render(request, "billing/pay_online.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_INVOICE)
def test_provider(request, online):
    """In a provider's place: a button that pays. Its event goes the way of a real one, signature and all."""
    if not isinstance(provider(), TestProvider):
        raise Http404
    row = get_object_or_404(OnlinePayment.objects.select_related("invoice"), public_id=online, opened_by=request.user)
    if request.method == "POST":
        sender, now = TestProvider(), timezone.now()
        said = {"id": str(uuid5(row.public_id, "event")), "reference": str(row.public_id)}
        headers, body = sender.signed(said | {"amount": str(row.amount), "currency": row.currency}, now=now)
        receive_event(provider_name=sender.name, paid=sender.read_event(headers, body, now=now))
        return redirect("billing:pay_online", row.invoice.public_id)
    return render(request, "billing/test_provider.html", {"online": row})
