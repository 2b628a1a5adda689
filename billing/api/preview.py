"""A look at an invoice before there is one."""

from django.utils import timezone
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.filters import PreviewFilter
from billing.api.serializers import PreviewSerializer
from billing.permissions import MAKE_INVOICE
from billing.services import previewing
from clinic.core.api import HasActionPermission
from patients.models import Encounter
from pharmacy.models import Dispense


class InvoicePreview(APIView):
    """What POST invoices/ with {visit} or {dispensing} would put on a draft. Nothing is written."""

    permission_classes = [HasActionPermission]
    action_permissions = {"get": MAKE_INVOICE}

    def get(self, request):
        asked = PreviewFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        asked, on = asked.validated_data, timezone.localdate()
        if "visit" in asked:
            visits = Encounter.objects.visible_to(request.user).select_related("patient", "doctor__user")
            shown = previewing.preview_visit(get_object_or_404(visits, public_id=asked["visit"]), on=on)
        else:
            handed_out = Dispense.objects.visible_to(request.user).select_related("prescription__patient")
            shown = previewing.preview_dispensed(get_object_or_404(handed_out, public_id=asked["dispensing"]), on=on)
        return Response(PreviewSerializer(shown).data)
