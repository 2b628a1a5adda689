"""A patient's whole record over the API."""

from django.shortcuts import get_object_or_404
from rest_framework.views import APIView

from clinic.core.api import HasActionPermission
from clinic.portal.documents import record_response
from patients.models import Patient
from patients.permissions import EXPORT_RECORD


class RecordJson(APIView):
    """All that the clinic keeps about the patient, streamed; `complete` comes last. 503 while a note cannot be read."""

    permission_classes = [HasActionPermission]
    action_permissions = {"get": EXPORT_RECORD}

    def get(self, request, public_id):
        return record_response(get_object_or_404(Patient.objects.visible_to(request.user), public_id=public_id), "json", by=request.user)


class RecordPdf(APIView):
    """The same on paper."""

    permission_classes = [HasActionPermission]
    action_permissions = {"get": EXPORT_RECORD}

    def get(self, request, public_id):
        return record_response(get_object_or_404(Patient.objects.visible_to(request.user), public_id=public_id), "pdf", by=request.user)
