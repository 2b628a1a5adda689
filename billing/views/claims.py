"""Claims to insurers: what to ask for, what waits, what was answered."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import documents, selectors
from billing.forms import ClaimAnswerForm, RemittanceForm
from billing.models import Claim, ClaimBatch, ClaimStatus
from billing.models.claim import LIVE_CLAIMS
from billing.permissions import MANAGE_CLAIMS
from billing.services import claiming
from billing.services.remittance import import_remittance
from billing.views.invoice import done, find, show
from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status

PAGE_SIZE = 25
_TABS = {
    "to_claim": ("To claim", []),
    "waiting": ("Waiting", LIVE_CLAIMS),
    "rejected": ("Rejected", [ClaimStatus.REJECTED]),
    "paid": ("Paid", [ClaimStatus.PAID]),
}


@require_safe
@permission_required_page(MANAGE_CLAIMS)
def claims(request):
    return show_claims(request)


def show_claims(request, refusal: DomainError | None = None):
    chosen = request.GET.get("show") if request.GET.get("show") in _TABS else "to_claim"
    if chosen == "to_claim":
        rows = selectors.to_claim()
    else:
        rows = selectors.claims_for_list(Claim.objects.visible_to(request.user).filter(status__in=_TABS[chosen][1]))
    context = {
        "page_obj": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "payers": selectors.to_claim_by_payer() if chosen == "to_claim" else [],
        "batches": ClaimBatch.objects.select_related("made_by")[:5],
        "chosen": chosen,
        "tabs": [
            {"label": label, "url": f"{reverse('billing:claims')}?show={name}", "current": name == chosen}
            for name, (label, _) in _TABS.items()
        ],
        "refusal": refusal.detail if refusal else "",
    }
    return render(request, "billing/claims.html", context, status=refusal_status(request, refusal) if refusal else 200)


@require_POST
@permission_required_page(MANAGE_CLAIMS)
def make_batch(request):
    """One file for one payer."""
    try:
        payer = request.POST.get("payer", "")[:120].replace("\0", "")
        batch = claiming.submit_batch(payer=payer, by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return show_claims(request, refusal)
    messages.success(request, f"The claims to {batch.payer} are made. Download their file below and send it.")
    return redirect(f"{reverse('billing:claims')}?show=waiting")


@require_safe
@permission_required_page(MANAGE_CLAIMS)
def batch_file(request, batch):
    return documents.claims_file(get_object_or_404(ClaimBatch, public_id=batch))


@require_POST
@permission_required_page(MANAGE_CLAIMS)
def claim(request, invoice):
    """Claim what the insurer owes of this invoice."""
    row = find(request, invoice)
    try:
        made = claiming.submit_claim(invoice_id=row.pk, by=request.user)
    except DomainError as refusal:
        return show(request, row, refusal=refusal, refused="claim")
    messages.success(request, f"Claim {made.number} over {made.amount} is submitted.")
    return done(request, row)


@require_POST
@permission_required_page(MANAGE_CLAIMS)
def answer(request, claim):
    row = get_object_or_404(Claim.objects.visible_to(request.user).select_related("invoice"), public_id=claim)
    form = ClaimAnswerForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput("Choose what the insurer said; the amount must be one.")
        answered = claiming.answer_claim(claim_id=row.pk, by=request.user, **form.cleaned_data)
    except DomainError as refusal:
        return show(request, find(request, row.invoice.public_id), refusal=refusal, refused="claim")
    messages.success(request, f"Claim {answered.number} is {answered.get_status_display().lower()}.")
    return done(request, row.invoice)


@require_POST
@permission_required_page(MANAGE_CLAIMS)
def charge_patient(request, invoice):
    row = find(request, invoice)
    try:
        claiming.charge_patient(invoice_id=row.pk, reason=request.POST.get("reason", ""), by=request.user)
    except InvalidInput:
        return show(request, row, refusal=InvalidInput("Say why the patient is charged."), refused="claim")
    except DomainError as refusal:
        return show(request, find(request, invoice), refusal=refusal, refused="claim")
    return done(request, row)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(MANAGE_CLAIMS)
def remittance(request):
    """Check an insurer's file first, then import it: the checked text goes along in the form."""
    form = RemittanceForm(request.POST, request.FILES) if request.method == "POST" else RemittanceForm()
    fates, refusal, is_done = [], None, False
    if request.method == "POST" and form.is_valid():
        is_done = "import" in request.POST
        try:
            fates = import_remittance(text=form.cleaned_data["text"], dry_run=not is_done, by=request.user)
        except InvalidInput as error:
            refusal, is_done = InvalidInput(" ".join(words for said in error.errors.values() for words in said)), False
    counts = {fate: sum(row.fate == fate for row in fates) for fate in ("done", "unchanged", "refused")}
    context = {
        "form": RemittanceForm() if is_done else form,
        "text": form.cleaned_data["text"] if fates and not is_done else "",
        "fates": fates,
        "counts": counts,
        "is_done": is_done,
        "refusal": refusal.detail if refusal else "",
    }
    status = refusal_status(request, refusal) if refusal else 400 if form.errors else 200
    return render(request, "billing/remittance.html", context, status=status)
