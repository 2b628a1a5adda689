"""What patients are told about medicines: with what they were handed, and by medicine for the pharmacist."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from clinic.core.pages import permission_required_page
from patients.services.reading import record_chart_read
from pharmacy.models import Dispense, Medicine
from pharmacy.permissions import DISPENSE, VIEW_MEDICINE
from pharmacy.printing import leaflet_pdf
from pharmacy.selectors.leaflets import leaflets_of


@require_safe
@permission_required_page(DISPENSE)
def leaflet(request, dispense):
    """How to take what was handed out, and what is to know about it."""
    row = _read(request, dispense)
    return render(request, "pharmacy/leaflet.html", {"dispense": row, "leaflets": leaflets_of(row)})


@require_safe
@permission_required_page(DISPENSE)
def leaflet_sheet(request, dispense):
    """The same as PDF."""
    row = _read(request, dispense)
    headers = {"Content-Disposition": f'inline; filename="leaflet-{row.public_id}.pdf"'}
    return HttpResponse(leaflet_pdf(row, leaflets_of(row)), content_type="application/pdf", headers=headers)


def _read(request, public_id) -> Dispense:
    row = get_object_or_404(Dispense.objects.visible_to(request.user).with_details(), public_id=public_id)
    record_chart_read(patient=row.prescription.patient, by=request.user, subject=row)
    return row


@require_safe
@permission_required_page(VIEW_MEDICINE)
def medicine_leaflet(request, medicine):
    """The text as patients get it, and when earlier ones were written."""
    row = get_object_or_404(Medicine, public_id=medicine)
    texts = list(row.leaflets.order_by("-number"))
    return render(
        request, "pharmacy/medicine_leaflet.html", {"medicine": row, "leaflet": texts[0] if texts else None, "earlier": texts[1:]}
    )
