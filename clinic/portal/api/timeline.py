"""A patient's timeline as JSON."""

from django.shortcuts import get_object_or_404
from django.utils.http import urlencode
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from clinic.core.api import HasActionPermission
from clinic.portal.timeline import SOURCES, asked_for, events_of
from patients.models import Patient
from patients.permissions import VIEW_ENCOUNTER
from patients.services.reading import record_chart_read


class EventSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=list(SOURCES))
    at = serializers.DateTimeField()
    title = serializers.CharField()
    detail = serializers.CharField()
    by = serializers.CharField()
    visit = serializers.UUIDField(allow_null=True)


class PatientEvents(GenericAPIView):
    """Visits, vitals, diagnoses, notes (headers), files, prescriptions, what was handed out, appointments: one list, the newest first."""

    permission_classes = [HasActionPermission]
    action_permissions = {"get": VIEW_ENCOUNTER}
    serializer_class = EventSerializer
    pagination_class = None

    def get(self, request, public_id):
        patient = get_object_or_404(Patient.objects.visible_to(request.user), public_id=public_id)
        asked = asked_for(request.query_params.getlist("kind"), request.query_params.get("before", ""))
        record_chart_read(patient=patient, by=request.user)
        events, place = events_of(patient, request.user, asked)
        query = urlencode({"kind": sorted(asked.kinds), "before": place}, doseq=True)
        following = request.build_absolute_uri(f"{request.path}?{query}") if place else None
        return Response({"next": following, "previous": None, "results": self.get_serializer(events, many=True).data})
