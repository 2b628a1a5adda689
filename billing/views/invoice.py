"""One invoice: to read, to change while it is a draft, to issue, to pay, to void."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import selectors
from billing.forms import (
    ClaimAnswerForm,
    CreditForm,
    DiscountForm,
    LineForm,
    NewInvoiceForm,
    PaymentForm,
    ReasonForm,
    RefundForm,
    put_errors,
)
from billing.models import Invoice, Package, Payment, PriceItem
from billing.permissions import (
    CREDIT_INVOICE,
    GIVE_DISCOUNT,
    ISSUE_INVOICE,
    MAKE_INVOICE,
    MANAGE_CLAIMS,
    REFUND_PAYMENT,
    TAKE_PAYMENT,
    VIEW_INVOICE,
    VOID_INVOICE,
)
from billing.rules import change_due
from billing.services import crediting, drafts, invoicing, payments
from billing.services.lines import insurance_of
from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, posted_version, refusal_status
from patients.models import Patient


@require_safe
@permission_required_page(VIEW_INVOICE)
def invoice(request, invoice):
    """`?paid=` names the payment that was just taken: its change is shown."""
    return show(request, find(request, invoice))


def find(request, public_id) -> Invoice:
    return get_object_or_404(selectors.with_lines(Invoice.objects.visible_to(request.user)), public_id=public_id)


def show(request, invoice: Invoice, *, refusal: DomainError | None = None, refused: str = "", **forms):
    """The page, or for htmx its inner part. `refused` names the action beside which the refusal is shown."""
    user = request.user
    made = selectors.payments_of(invoice)
    claims = list(invoice.claims.order_by("-id")) if invoice.insurer_share and user.has_perm(MANAGE_CLAIMS) else []
    may_claim = invoice.is_payable and invoice.insurer_balance > 0 and user.has_perm(MANAGE_CLAIMS)
    can = {
        "claim": may_claim and not any(claim.is_live for claim in claims),
        "edit": invoice.is_draft and user.has_perm(MAKE_INVOICE),
        "discount": invoice.is_draft and invoice.total > 0 and user.has_perm(GIVE_DISCOUNT),
        "issue": invoice.is_draft and user.has_perm(ISSUE_INVOICE),
        "pay": invoice.is_payable and user.has_perm(TAKE_PAYMENT),
        "void": invoice.state != "void" and not invoice.paid and not invoice.credited and user.has_perm(VOID_INVOICE),
        "refund": user.has_perm(REFUND_PAYMENT),
        "credit": invoice.creditable and user.has_perm(CREDIT_INVOICE),
    }
    context = {
        "invoice": invoice,
        "payments": made,
        "can": can,
        "owed": selectors.owed_by(invoice.patient),
        "insurance": insurance_of(invoice.patient, timezone.localdate()),
        "advance": selectors.advance_of(invoice.patient) if can["pay"] else None,
        "just_paid": next((payment for payment in made if str(payment.public_id) == request.GET.get("paid")), None),
        "shift": selectors.open_shift_of(user) if can["pay"] else None,
        "payment_form": forms.get("payment_form") or PaymentForm(invoice=invoice),
        "line_form": forms.get("line_form") or LineForm(**(offers() if can["edit"] else {}), auto_id="line_%s"),
        "discount_form": forms.get("discount_form") or DiscountForm(invoice=invoice, auto_id="discount_%s"),
        "void_form": ReasonForm(auto_id="void_%s"),
        "claims": claims,
        "claim_form": ClaimAnswerForm(auto_id="claim_%s"),
        "refund_form": RefundForm(auto_id=False),
        "credit_form": forms.get("credit_form") or CreditForm(invoice=invoice, auto_id="credit_%s"),
        "returned": selectors.returned_on(invoice) if can["credit"] else None,
        "credit_notes": selectors.credit_notes(invoice.credit_notes.all()) if invoice.credited else [],
        "refusal": refusal.detail if refusal else "",
        "refused": refused,
    }
    bad = next((form for form in forms.values() if form.errors), None)
    status = refusal_status(request, refusal) if refusal else refusal_status(request, InvalidInput()) if bad else 200
    template = "billing/_invoice.html" if request.htmx and not request.htmx.boosted else "billing/invoice.html"
    return render(request, template, context, status=status)


def offers() -> dict:
    """What a line can be chosen from."""
    today = timezone.localdate()
    return {"prices": PriceItem.objects.priced_on(today).order_by("name"), "packages": Package.objects.priced_on(today).order_by("name")}


def done(request, invoice: Invoice, query: str = ""):
    """After a success: the same page, by a redirect that both a browser and htmx follow."""
    to = reverse("billing:invoice", args=[invoice.public_id]) + query
    return HttpResponse(headers={"HX-Redirect": to}) if request.htmx else redirect(to)


@require_POST
@permission_required_page(ISSUE_INVOICE)
def issue(request, invoice):
    row = find(request, invoice)
    try:
        issued = invoicing.issue_invoice(invoice_id=row.pk, by=request.user, on=timezone.localdate())
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="issue")
    messages.success(request, f"Invoice {issued.number} is issued.")
    return done(request, row)


@require_POST
@permission_required_page(TAKE_PAYMENT)
def pay(request, invoice):
    row = find(request, invoice)
    form = PaymentForm(request.POST, invoice=row)
    if not form.is_valid():
        return show(request, row, refused="pay", payment_form=form)
    try:
        request_id = form.cleaned_data["request_id"]
        payment = payments.take_payments(invoice_id=row.pk, parts=form.parts, by=request.user, request_id=request_id)[0]
    except DomainError as refusal:
        put_errors(form, refusal.errors)
        return show(request, find(request, invoice), refusal=refusal, refused="pay", payment_form=form)
    return done(request, row, f"?paid={payment.public_id}")


@require_safe
@permission_required_page(TAKE_PAYMENT)
def change(request):
    """What to give back, while the cashier types. Empty as long as it makes no sense."""
    form = PaymentForm({**request.GET.dict(), "method": "cash", "request_id": UUID(int=0)})
    due = None
    if form.is_valid() and form.cleaned_data["tendered"] is not None:
        try:
            due = change_due(method="cash", amount=form.cleaned_data["amount"], tendered=form.cleaned_data["tendered"])[1]
        except InvalidInput:
            due = None
    return render(request, "billing/_change.html", {"change": due})


@require_POST
@permission_required_page(VOID_INVOICE)
def void(request, invoice):
    row = find(request, invoice)
    try:
        invoicing.void_invoice(invoice_id=row.pk, reason=request.POST.get("reason", ""), by=request.user)
    except InvalidInput:
        return show(request, row, refusal=InvalidInput("Say why the invoice is void."), refused="void")
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="void")
    messages.success(request, "The invoice is void. What it charged may be billed anew.")
    return done(request, row)


@require_POST
@permission_required_page(CREDIT_INVOICE)
def credit(request, invoice):
    row = find(request, invoice)
    form = CreditForm(request.POST, invoice=row, auto_id="credit_%s")
    try:
        if not form.is_valid():
            raise InvalidInput("Give an amount above zero, and say why.")
        about = {"reason": form.cleaned_data["reason"], "on": timezone.localdate(), "request_id": posted_request_id(request)}
        note = crediting.credit_invoice(invoice_id=row.pk, by=request.user, **about, **form.what)
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="credit", credit_form=form)
    messages.success(request, f"Credit note {note.number} over {note.amount} is written.")
    return done(request, row)


@require_POST
@permission_required_page(REFUND_PAYMENT)
def refund(request, payment):
    row = get_object_or_404(Payment.objects.visible_to(request.user).select_related("invoice"), public_id=payment)
    form = RefundForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput("Give an amount above zero, and say why.")
        given = payments.refund_payment(payment_id=row.pk, by=request.user, request_id=posted_request_id(request), **form.cleaned_data)
    except DomainError as refusal:
        return show(request, find(request, row.invoice.public_id), refusal=refusal, refused="refund")
    messages.success(request, f"{given.amount} given back by {row.get_method_display().lower()}.")
    return done(request, row.invoice)


@require_POST
@permission_required_page(MAKE_INVOICE)
def set_cover(request, invoice):
    """Let the insurance bear its share of the draft (`covered`), or leave it out."""
    row = find(request, invoice)
    try:
        covered = bool(request.POST.get("covered"))
        drafts.set_cover(invoice_id=row.pk, covered=covered, by=request.user, on=timezone.localdate())
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="issue")
    return done(request, row)


@require_POST
@permission_required_page(MAKE_INVOICE)
def change_lines(request, invoice):
    """Keep or drop the draft's lines (`keep`), and add one when `add` was pressed. What the page did not show is not dropped: `version`."""
    row = find(request, invoice)
    form = LineForm(request.POST if "add" in request.POST else None, **offers(), auto_id="line_%s")
    if form.is_bound and not form.is_valid():
        return show(request, row, refused="lines", line_form=form)
    try:
        lines = [{"id": line.public_id} for line in row.lines.all() if str(line.public_id) in request.POST.getlist("keep")]
        lines += [form.line] if form.is_bound else []
        expected = posted_version(request)
        drafts.change_lines(invoice_id=row.pk, lines=lines, by=request.user, on=timezone.localdate(), expected_version=expected)
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="lines", line_form=form)
    return done(request, row)


@require_POST
@permission_required_page(GIVE_DISCOUNT)
def discount(request, invoice):
    row = find(request, invoice)
    form = DiscountForm(request.POST, invoice=row, auto_id="discount_%s")
    try:
        if not form.is_valid():
            raise InvalidInput(" ".join(words for said in form.errors.values() for words in said))
        drafts.discount_invoice(invoice_id=row.pk, by=request.user, **form.what)
    except InvalidInput as refusal:
        words = " ".join(words for said in (refusal.errors or {}).values() for words in said) or refusal.detail
        return show(request, row, refusal=InvalidInput(words), refused="issue", discount_form=form)
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="issue")
    return done(request, row)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(MAKE_INVOICE)
def new(request):
    """By hand, for a patient who is named by the MRN (or `?patient=`)."""
    form = NewInvoiceForm(request.POST or None, **offers(), initial={"mrn": _asked_mrn(request)})
    refusal = None
    if request.method == "POST" and form.is_valid():
        patient = Patient.objects.visible_to(request.user).filter(mrn__iexact=form.cleaned_data["mrn"].strip()).first()
        if patient is None:
            form.add_error("mrn", "There is no patient with this MRN.")
        else:
            try:
                made = invoicing.draft_manual_invoice(
                    patient_id=patient.pk,
                    lines=[form.line],
                    by=request.user,
                    request_id=form.cleaned_data["request_id"],
                    on=timezone.localdate(),
                )
                return redirect("billing:invoice", made.public_id)
            except DomainError as error:
                refusal = error
    status = refusal_status(request, refusal) if refusal else 400 if form.errors else 200
    return render(request, "billing/new.html", {"form": form, "refusal": refusal.detail if refusal else ""}, status=status)


def _asked_mrn(request) -> str:
    try:
        patient = Patient.objects.visible_to(request.user).filter(public_id=UUID(request.GET.get("patient", ""))).first()
    except ValueError:
        return ""
    return patient.mrn if patient else ""
