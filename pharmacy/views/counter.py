"""The counter: what waits, and handing it out."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from patients.services.access import check_chart_open
from patients.services.reading import record_chart_read
from pharmacy.errors import NotDispensable, NotSigned, PaymentRequired
from pharmacy.forms import ReturnForm, first_error, medicine_named
from pharmacy.models import Dispense, Prescription
from pharmacy.permissions import DISPENSE, VIEW_PRESCRIPTION
from pharmacy.printing import labels_pdf, prescription_pdf
from pharmacy.rules.quantities import MAX_QUANTITY
from pharmacy.selectors import counter as selectors
from pharmacy.services.dispensing import check_dispensable, dispense_prescription
from pharmacy.services.returning import return_dispensed
from pharmacy.views.witness import posted_witness

PAGE_SIZE = 30


@require_safe
@permission_required_page(DISPENSE)
def worklist(request):
    """Oldest first. A scanned prescription goes straight to the counter; htmx asks for the list alone."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    visible = Prescription.objects.visible_to(request.user)
    if (scanned := _scanned_paper(search)) and (prescription := visible.filter(Q(public_id=scanned) | Q(paper_code=scanned)).first()):
        return redirect("pharmacy:dispense", prescription.public_id)
    repeats = request.GET.get("show") == "repeats"
    visible = visible.with_chart_open(request.user, now=timezone.now())
    found = selectors.worklist(visible, on=timezone.localdate(), repeats=repeats, search=search)
    here = reverse("pharmacy:worklist")
    context = {
        "page_obj": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "search": search,
        "repeats": repeats,
        "tabs": [
            {"label": "Waiting", "url": here, "current": not repeats},
            {"label": "Repeats and returns", "url": f"{here}?show=repeats", "current": repeats},
        ],
    }
    return render(request, "pharmacy/_worklist.html" if request.htmx else "pharmacy/worklist.html", context)


def _scanned_paper(words: str) -> UUID | None:
    """Of a paper's QR code: the address of its public page, or the code alone."""
    return _scanned(words.rstrip("/").rpartition("/")[2])


def _scanned(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def find(request, public_id: UUID) -> Prescription:
    return get_object_or_404(Prescription.objects.visible_to(request.user).with_people(), public_id=public_id)


def show(request, prescription: Prescription, *, refusal: DomainError | None = None, refused: str = "", typed=None):
    """The counter of one prescription, or for htmx its inner part. `refused` names the form beside which the refusal is shown."""
    on = timezone.localdate()
    counter = selectors.counter_of(prescription, on=on)
    for line in counter.lines:
        line.asked = (typed or {}).get(f"quantity-{line.item.public_id}", "")
        line.chosen = (typed or {}).get(f"batch-{line.item.public_id}", "")
        line.instead = (typed or {}).get(f"medicine-{line.item.public_id}", "")
        line.other = (typed or {}).get(f"other-{line.item.public_id}", "")
        line.other_text = (typed or {}).get(f"other-{line.item.public_id}_text", "")
        line.substitution_reason = (typed or {}).get(f"substitution-{line.item.public_id}", "")
        line.prescriber_agreement = (typed or {}).get(f"agreement-{line.item.public_id}", "")
    context = {
        "counter": counter,
        "prescription": prescription,
        "why_not": _why_not(prescription, on),
        "just_done": _scanned(request.GET.get("done", "")),
        "refusal": _words(refusal),
        "refused": refused,
        "override_reason": (typed or {}).get("override_reason", ""),
        "witness_username": (typed or {}).get("witness_username", ""),
        "return_form": ReturnForm(auto_id=False),
    }
    template = "pharmacy/_dispense.html" if request.htmx else "pharmacy/dispense.html"
    return render(request, template, context, status=refusal_status(request, refusal) if refusal else 200)


def _why_not(prescription: Prescription, on) -> str:
    """Why it cannot be handed out now; '' when it can. An unpaid one says so elsewhere."""
    try:
        check_dispensable(prescription, on=on)
    except NotDispensable as refusal:
        return refusal.detail
    except PaymentRequired:
        return ""
    return ""


def _words(refusal: DomainError | None) -> str:
    if refusal is None:
        return ""
    details = [words for each in (refusal.errors or {}).values() for words in each]
    return " ".join(details) or refusal.detail


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(DISPENSE)
def dispense(request, prescription):
    row = find(request, prescription)
    if request.method != "POST":
        record_chart_read(patient=row.patient, by=request.user, subject=row)
        return show(request, row)
    check_chart_open(patient=row.patient, by=request.user)
    try:
        made = dispense_prescription(
            prescription_id=row.pk,
            pharmacist=request.user,
            request_id=posted_request_id(request),
            on=timezone.localdate(),
            items=_posted_items(request, row),
            override_reason=request.POST.get("override_reason", "").replace("\0", ""),
            witness=posted_witness(request),
        )
    except DomainError as refusal:
        return show(request, find(request, prescription), refusal=refusal, refused="dispense", typed=request.POST)
    return _done(request, f"{reverse('pharmacy:dispense', args=[row.public_id])}?done={made.public_id}")


def _done(request, to: str):
    return HttpResponse(headers={"HX-Redirect": to}) if request.htmx else redirect(to)


def _posted_items(request, prescription: Prescription) -> list[dict]:
    """What was typed per item; nothing or 0 leaves an item out. 'What is there' cuts each to what is in stock."""
    cut = request.POST.get("what_is_there") == "1"
    prescribed = list(prescription.items.select_related("medicine").order_by("id"))
    lines = selectors.counter_lines(prescribed, on=timezone.localdate())
    items = []
    for line in lines:
        typed = request.POST.get(f"quantity-{line.item.public_id}", "").strip()
        if typed in ("", "0"):
            continue
        if not (typed.isascii() and typed.isdigit() and len(typed) <= len(str(MAX_QUANTITY))):
            raise InvalidInput(errors={"items": [f"{line.item.medicine.name}: give a whole number."]})
        substitution = _posted_substitution(request, line.item.public_id)
        quantity = min(int(typed), line.available) if cut and not substitution["medicine"] else int(typed)
        if quantity:
            batch = _scanned(request.POST.get(f"batch-{line.item.public_id}", ""))
            items.append({"item": line.item.public_id, "quantity": quantity, "batch": batch} | substitution)
    if not items:
        raise InvalidInput(errors={"items": ["There is nothing to hand out: every quantity is empty or 0."]})
    return items


def _posted_substitution(request, item: UUID) -> dict:
    """Which medicine is given instead, if any: one of those offered, or another by its name that the doctor agreed to."""
    typed = {
        name: request.POST.get(f"{name}-{item}", "").replace("\0", "").strip()
        for name in ("medicine", "other", "substitution", "agreement")
    }
    name = request.POST.get(f"other-{item}_text", "").replace("\0", "").strip()
    if typed["medicine"] and name:
        raise InvalidInput(errors={"items": [f"Choose one of those offered, or '{name[:80]}', not both."]})
    instead = _scanned(typed["medicine"] or typed["other"])
    if instead is None and name:
        if (found := medicine_named(name)) is None:
            raise InvalidInput(errors={"items": [f"No medicine here is called '{name[:80]}'."]})
        instead = found.public_id
    return {"medicine": instead, "substitution_reason": typed["substitution"], "prescriber_agreement": typed["agreement"]}


@require_POST
@permission_required_page(DISPENSE)
def give_back(request, dispense):
    row = get_object_or_404(Dispense.objects.visible_to(request.user).with_details(), public_id=dispense)
    check_chart_open(patient=row.prescription.patient, by=request.user)
    form = ReturnForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(first_error(form))
        return_dispensed(
            dispense_id=row.pk,
            lines=_posted_lines(request, row),
            by=request.user,
            request_id=posted_request_id(request),
            **form.cleaned_data,
        )
    except DomainError as refusal:
        return show(request, find(request, row.prescription.public_id), refusal=refusal, refused=str(row.public_id))
    messages.success(request, "Taken back.")
    return _done(request, reverse("pharmacy:dispense", args=[row.prescription.public_id]))


def _posted_lines(request, dispense: Dispense) -> list[dict]:
    lines = []
    for line in dispense.lines.all():
        typed = request.POST.get(f"return-{line.public_id}", "").strip()
        if typed in ("", "0"):
            continue
        if not (typed.isascii() and typed.isdigit() and len(typed) <= len(str(MAX_QUANTITY))):
            raise InvalidInput(errors={"lines": [f"{line.medicine.name}: give a whole number."]})
        lines.append({"line": line.public_id, "quantity": int(typed)})
    if not lines:
        raise InvalidInput(errors={"lines": ["Say how many came back."]})
    return lines


@require_safe
@permission_required_page(DISPENSE)
def labels(request, dispense):
    """One label per medicine that was handed out, for the printer beside the counter."""
    row = get_object_or_404(Dispense.objects.visible_to(request.user).with_details(), public_id=dispense)
    record_chart_read(patient=row.prescription.patient, by=request.user, subject=row)
    return render(request, "pharmacy/labels.html", {"dispense": row})


@require_safe
@permission_required_page(DISPENSE)
def label_roll(request, dispense):
    """The labels as PDF, 62 mm wide, for a label printer."""
    row = get_object_or_404(Dispense.objects.visible_to(request.user).with_details(), public_id=dispense)
    record_chart_read(patient=row.prescription.patient, by=request.user, subject=row)
    headers = {"Content-Disposition": f'inline; filename="labels-{row.public_id}.pdf"'}
    return HttpResponse(labels_pdf(row), content_type="application/pdf", headers=headers)


@require_safe
@permission_required_page(VIEW_PRESCRIPTION)
def paper(request, prescription):
    """The prescription as PDF."""
    row = get_object_or_404(Prescription.objects.visible_to(request.user).with_details(), public_id=prescription)
    if row.signed_at is None:
        raise NotSigned
    record_chart_read(patient=row.patient, by=request.user, subject=row)
    return HttpResponse(
        prescription_pdf(row, request=request),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="prescription-{row.public_id}.pdf"'},
    )
