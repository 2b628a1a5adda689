from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from clinic.core.api import HasActionPermission
from clinic.core.errors import InvalidInput
from patients import permissions, selectors
from patients.api import serializers
from patients.models import Encounter, Patient
from patients.services import notes
from patients.services.access import check_chart_open
from patients.services.reading import record_chart_read, record_list_read


class ClinicalNoteViewSet(GenericViewSet):
    """Clinical notes by the record_uuid of their visit."""

    permission_classes = [HasActionPermission]
    action_permissions = {"create": permissions.WRITE_ENCOUNTER, "list": permissions.VIEW_ENCOUNTER, "retrieve": permissions.VIEW_ENCOUNTER}
    lookup_field = "record_uuid"
    lookup_value_converter = "uuid"
    serializer_class = serializers.NoteSerializer

    def list(self, request):
        """Notes that hold the words of `search`, the newest first."""
        asked = serializers.NoteSearch(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = self.paginate_queryset(selectors.search_notes(asked.validated_data["search"], request.user, now=timezone.now()))
        record_list_read(encounters=[note.encounter for note in page], by=request.user)
        return self.get_paginated_response(serializers.NoteSerializer(notes.read_bodies(page), many=True).data)

    @idempotent
    def create(self, request):
        body = serializers.PredecessorNoteInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = {"text": ""} | body.validated_data
        encounter = self._known("record_uuid", Encounter, values.pop("record_uuid"))
        patient = self._known("patient", Patient, values.pop("patient"))
        check_chart_open(patient=patient, by=request.user)
        note = notes.write_note(
            encounter_id=encounter.pk, patient_id=patient.pk, author=request.user, request_id=request.request_id, **values
        )
        return Response(serializers.NoteSerializer(notes.read_bodies([note])[0]).data, status=201)

    def retrieve(self, request, record_uuid):
        visits = Encounter.objects.visible_to(request.user).select_related("patient")
        visit = get_object_or_404(visits, public_id=record_uuid)
        record_chart_read(patient=visit.patient, by=request.user, subject=visit)
        found = serializers.NoteSerializer(notes.read_notes(visit), many=True).data
        return Response({"record_uuid": str(visit.public_id), "patient": str(visit.patient.public_id), "notes": found})

    def _known(self, field: str, model, public_id):
        row = model.objects.visible_to(self.request.user).filter(public_id=public_id).first()
        if row is None:
            raise InvalidInput(errors={field: ["Not found."]})
        return row
