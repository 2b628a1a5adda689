"""Lists: invoices, and visits that are not billed yet."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import selectors
from billing.errors import AlreadyBilled
from billing.forms import InvoiceSearch
from billing.models import Invoice
from billing.permissions import CREDIT_INVOICE, ISSUE_INVOICE, MAKE_INVOICE, MANAGE_CLAIMS, TAKE_PAYMENT, VIEW_INVOICE
from billing.services import crediting
from billing.services.invoicing import bill_visit
from billing.services.previewing import preview_visit
from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from patients.models import Encounter

TO_BILL_FOR = timedelta(days=30)
PAGE_SIZE = 25


@require_safe
@permission_required_page(VIEW_INVOICE)
def invoices(request):
    """Open ones first; with a search or `show=all` the others after them."""
    search = InvoiceSearch(request.GET)
    visible = Invoice.objects.visible_to(request.user)
    asked = search.cleaned_data if search.is_valid() else {}
    narrowed = any(asked.values())
    show_all = request.GET.get("show") == "all" or narrowed
    found = selectors.invoices_open_first(visible) if show_all else selectors.open_invoices(visible)
    if narrowed:
        found = selectors.search_invoices(found, **asked)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "search": search, "tabs": tabs(request, "all" if show_all else "open"), "narrowed": narrowed}
    return render(request, "billing/invoices.html", context)


@require_safe
@permission_required_page(MAKE_INVOICE)
def to_bill(request):
    return show_to_bill(request)


def show_to_bill(request, refusal: DomainError | None = None):
    page = Paginator(selectors.visits_to_bill(since=timezone.now() - TO_BILL_FOR), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "visits": selectors.to_bill_rows(page.object_list),
        "tabs": tabs(request, "to_bill"),
        "days": TO_BILL_FOR.days,
        "refusal": refusal.detail if refusal else "",
    }
    return render(request, "billing/to_bill.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_safe
@permission_required_page(CREDIT_INVOICE)
def to_credit(request):
    """What came back to the pharmacy and is paid or owed for."""
    return show_to_credit(request)


def show_to_credit(request, refusal: DomainError | None = None):
    page = Paginator(selectors.invoices_to_credit(Invoice.objects.visible_to(request.user)), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "rows": selectors.to_credit_rows(page.object_list),
        "tabs": tabs(request, "to_credit"),
        "refusal": refusal.detail if refusal else "",
    }
    return render(request, "billing/to_credit.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_POST
@permission_required_page(CREDIT_INVOICE)
def credit_returned(request, invoice):
    """Credit note and back to the invoice, where what was paid too much is refunded."""
    row = get_object_or_404(Invoice.objects.visible_to(request.user), public_id=invoice)
    try:
        note = crediting.credit_returned(invoice_id=row.pk, by=request.user, on=timezone.localdate(), request_id=posted_request_id(request))
    except DomainError as refusal:
        return show_to_credit(request, refusal)
    messages.success(request, f"Credit note {note.number} over {note.amount} is written.")
    return redirect("billing:invoice", row.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(MAKE_INVOICE)
def bill(request, encounter):
    """A look at what would be billed. By POST draft and issue in one press; `draft`, or who may not issue, gets the draft.

    What is billed already leads to its invoice.
    """
    visits = Encounter.objects.visible_to(request.user).select_related("patient", "doctor__user")
    visit = get_object_or_404(visits, public_id=encounter)
    if request.method != "POST":
        context = {"preview": preview_visit(visit, on=timezone.localdate()), "encounter": visit}
        return render(request, "billing/preview.html", context)
    try:
        invoice = bill_visit(
            encounter_id=visit.pk,
            by=request.user,
            on=timezone.localdate(),
            request_id=posted_request_id(request),
            issue="draft" not in request.POST and request.user.has_perm(ISSUE_INVOICE),
        )
    except DomainError as refusal:
        if not (isinstance(refusal, AlreadyBilled) and "invoice" in refusal.extra):
            return show_to_bill(request, refusal)
        messages.info(request, refusal.detail)
        return redirect("billing:invoice", refusal.extra["invoice"])
    return redirect("billing:invoice", invoice.public_id)


def tabs(request, current: str) -> list[dict]:
    """Open, to bill, to credit, all; a patient has no tabs."""
    counts = {}
    if not request.user.has_perm(MAKE_INVOICE):
        entries = [("open", "Open", reverse("billing:invoices")), ("all", "All", f"{reverse('billing:invoices')}?show=all")]
    else:
        counts["to_bill"] = selectors.visits_to_bill(since=timezone.now() - TO_BILL_FOR).count()
        entries = [
            ("open", "Open", reverse("billing:invoices")),
            ("to_bill", "To bill", reverse("billing:to_bill")),
            ("all", "All", f"{reverse('billing:invoices')}?show=all"),
        ]
    if request.user.has_perm(CREDIT_INVOICE):
        entries.insert(-1, ("to_credit", "To credit", reverse("billing:to_credit")))
        counts["to_credit"] = selectors.invoices_to_credit(Invoice.objects.visible_to(request.user)).count()
    if request.user.has_perm(MANAGE_CLAIMS):
        entries.append(("claims", "Claims", reverse("billing:claims")))
    if request.user.has_perm(TAKE_PAYMENT):
        entries.append(("dunning", "Overdue", reverse("billing:dunning")))
    return [{"label": label, "url": url, "current": name == current, "count": counts.get(name)} for name, label, url in entries]
