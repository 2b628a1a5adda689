"""The drawer: open it, count it, close it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing import selectors
from billing.errors import VarianceNeedsReason
from billing.forms import CloseShiftForm, OpenShiftForm, put_errors
from billing.models import COUNTER_METHODS, PaymentMethod, Shift
from billing.permissions import OVERSEE_SHIFTS, WORK_SHIFT
from billing.services import shifts
from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status

RECENT = 10


@require_safe
@permission_required_page(WORK_SHIFT, OVERSEE_SHIFTS)
def shift(request):
    """The own open shift, or the form that opens one; below it the last ones."""
    return show(request, selectors.open_shift_of(request.user))


@require_safe
@permission_required_page(WORK_SHIFT, OVERSEE_SHIFTS)
def shift_detail(request, shift):
    return show(request, find(request, shift))


def find(request, public_id) -> Shift:
    return get_object_or_404(selectors.shifts_for_list(Shift.objects.visible_to(request.user)), public_id=public_id)


def show(request, current: Shift | None, *, refusal: DomainError | None = None, form=None):
    context = {
        "shift": current,
        "rows": method_rows(current) if current else [],
        "recent": selectors.shifts_for_list(Shift.objects.visible_to(request.user))[:RECENT],
        "refusal": refusal.detail if refusal else "",
        "may_open": request.user.has_perm(WORK_SHIFT),
        "now": timezone.now(),
    }
    if current is None:
        context["open_form"] = form or OpenShiftForm()
    elif current.is_open:
        expected = {row["method"]: row["expected"] for row in context["rows"]}
        context["close_form"] = form or CloseShiftForm(expected=expected, people=selectors.people_for(current))
        for row in context["rows"]:
            row["field"] = context["close_form"][f"count_{row['method']}"]
    if isinstance(refusal, VarianceNeedsReason):
        for row in context["rows"]:
            row["variance"] = refusal.extra["variances"].get(row["method"])
    status = refusal_status(request, refusal) if refusal else refusal_status(request, InvalidInput()) if form and form.errors else 200
    template = "billing/_shift.html" if request.htmx and not request.htmx.boosted else "billing/shift.html"
    return render(request, template, context, status=status)


def method_rows(shift: Shift) -> list[dict]:
    """Each way to pay: what came in and went out, what is expected, and once closed what was counted."""
    movements = selectors.movements_in(shift)
    counts = {count.method: count for count in shift.counts.all()}
    return [
        {
            "method": method,
            "label": label,
            "start": shift.opening_float if method == PaymentMethod.CASH else None,
            **movements[method],
            "counted": counts[method].counted if method in counts else None,
            "variance": counts[method].variance if method in counts else None,
        }
        for method, label in COUNTER_METHODS
    ]


@require_POST
@permission_required_page(WORK_SHIFT)
def open_shift(request):
    form = OpenShiftForm(request.POST)
    if not form.is_valid():
        return show(request, None, form=form)
    try:
        shifts.open_shift(by=request.user, **form.cleaned_data)
    except DomainError as refusal:
        put_errors(form, refusal.errors)
        return show(request, selectors.open_shift_of(request.user), refusal=refusal)
    messages.success(request, "Your shift is open.")
    return redirect("billing:shift")


@require_POST
@permission_required_page(WORK_SHIFT, OVERSEE_SHIFTS)
def close_shift(request, shift):
    row = find(request, shift)
    if not row.is_open:
        return show(request, row, refusal=shifts.ShiftClosed())
    people = {str(person.public_id): person for person in selectors.people_for(row)}
    form = CloseShiftForm(request.POST, expected=selectors.expected_in(row), people=people.values())
    if not form.is_valid():
        return show(request, row, form=form)
    try:
        count = {"counted": form.counted, "reason": form.cleaned_data["reason"], "denominations": form.denominations}
        if to := people.get(form.cleaned_data["to"]):
            shifts.hand_over_shift(shift_id=row.pk, to=to, by=request.user, request_id=posted_request_id(request), **count)
        else:
            shifts.close_shift(shift_id=row.pk, by=request.user, **count)
    except DomainError as refusal:
        return show(request, find(request, shift), refusal=refusal, form=form)
    messages.success(request, "The shift is closed.")
    to = reverse("billing:shift_detail", args=[row.public_id])
    return HttpResponse(headers={"HX-Redirect": to}) if request.htmx else redirect(to)  # the list below the shift changes too
