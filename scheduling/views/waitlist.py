"""The waitlist: who waits, what is offered to whom, and the answers. A patient sees and answers the own offers."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id
from patients.models import Patient
from scheduling.forms import WaitlistForm
from scheduling.models import Priority, WaitlistEntry, WaitlistOffer
from scheduling.permissions import BOOK_APPOINTMENT
from scheduling.selectors.waitlist import open_offers, waiting_entries
from scheduling.services import waitlist as service
from scheduling.views.pages import asked_id, refused, status_of

PER_PAGE = 50


@require_safe
@permission_required_page(BOOK_APPOINTMENT)
def waitlist(request):
    return _page(request)


@require_http_methods(["GET", "POST"])
@permission_required_page(BOOK_APPOINTMENT)
def add(request, patient: UUID):
    person = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    doctor = asked_id(request, "doctor")
    form = WaitlistForm(request.POST or None, initial={"place": f"doctor:{doctor}" if doctor else ""})
    if request.user.is_only_patient:  # how urgent it is, the clinic says
        form.fields["priority"].required = False
        form.fields["priority"].widget = form.fields["priority"].hidden_widget()
    if request.method == "GET" or not form.is_valid():
        return render(request, "scheduling/waitlist_add.html", {"patient": person, "form": form}, status=400 if form.is_bound else 200)
    data = form.data_of_entry()
    if request.user.is_only_patient:
        data["priority"] = Priority.ROUTINE
    try:
        service.add_entry(
            patient_id=person.pk, data=data, by=request.user, on=timezone.localdate(), request_id=form.cleaned_data["request_id"]
        )
    except DomainError as refusal:
        context = {"patient": person, "form": form} | refused(refusal)
        return render(request, "scheduling/waitlist_add.html", context, status=status_of(request, refusal))
    messages.success(request, "On the waitlist. A time that becomes free is offered in the order of the list.")
    return redirect("scheduling:waitlist")


@require_POST
@permission_required_page(BOOK_APPOINTMENT)
def withdraw(request, entry: UUID):
    row = get_object_or_404(WaitlistEntry.objects.visible_to(request.user), public_id=entry)
    try:
        service.withdraw_entry(entry_id=row.pk, by=request.user, now=timezone.now())
    except DomainError as refusal:
        return _page(request, refusal=refusal)
    messages.success(request, "Taken off the waitlist.")
    return redirect("scheduling:waitlist")


@require_POST
@permission_required_page(BOOK_APPOINTMENT)
def accept(request, offer: UUID):
    row = get_object_or_404(WaitlistOffer.objects.visible_to(request.user), public_id=offer)
    try:
        appointment = service.accept_offer(offer_id=row.pk, by=request.user, now=timezone.now(), request_id=posted_request_id(request))
    except DomainError as refusal:
        return _page(request, refusal=refusal)
    messages.success(request, "Booked.")
    return redirect("scheduling:appointment", appointment.public_id)


@require_POST
@permission_required_page(BOOK_APPOINTMENT)
def decline(request, offer: UUID):
    row = get_object_or_404(WaitlistOffer.objects.visible_to(request.user), public_id=offer)
    try:
        service.decline_offer(offer_id=row.pk, by=request.user, now=timezone.now())
    except DomainError as refusal:
        return _page(request, refusal=refusal)
    messages.success(request, "Declined. The time goes to the next on the list.")
    return redirect("scheduling:waitlist")


def _page(request, *, refusal: DomainError | None = None):
    is_staff = request.user.is_staff_member
    context = {
        "offers": list(open_offers(request.user)[:200]),
        "page_obj": Paginator(waiting_entries(request.user), PER_PAGE).get_page(request.GET.get("page")),
        "is_staff_member": is_staff,
        "now": timezone.now(),
    }
    status = 200
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    return render(request, "scheduling/waitlist.html", context, status=status)
