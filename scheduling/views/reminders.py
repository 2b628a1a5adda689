"""The public page behind a reminder's link. It says no name: whoever has the mail may open it."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from clinic.core.errors import NotFound
from scheduling.models import ReminderOptOut
from scheduling.services import reminders


@login_not_required
@require_http_methods(["GET", "POST"])
def stop(request, token: str):
    """A GET only asks: mail scanners open every link."""
    try:
        patient = reminders.patient_of_link(token)
    except NotFound as refusal:
        raise Http404 from refusal
    if request.method == "POST":
        reminders.set_reminders(patient_id=patient.pk, wanted=request.POST.get("wanted") == "yes", by=None)
        return redirect("scheduling:reminders_stop", token)
    return render(request, "scheduling/reminders_stop.html", {"is_off": ReminderOptOut.objects.filter(patient=patient).exists()})
