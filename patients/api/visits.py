from datetime import datetime, time, timedelta

from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin, HasActionPermission, whole_list
from clinic.core.http import download, etag_of, expected_version
from patients import permissions, selectors
from patients.api import serializers
from patients.models import Encounter
from patients.services import addenda, attachments, encounters, notes
from patients.services.access import check_chart_open
from patients.services.reading import record_chart_read, record_list_read


class VisitViewSet(EtagMixin, GenericViewSet):
    """Encounters and what is recorded in them. Where a visit comes from is the scheduling app's, which mounts this."""

    permission_classes = [HasActionPermission]
    action_permissions = {
        "list": permissions.VIEW_ENCOUNTER,
        "retrieve": permissions.VIEW_ENCOUNTER,
        "partial_update": permissions.WRITE_ENCOUNTER,
        "complete": permissions.SIGN_ENCOUNTER,
        "entered_in_error": permissions.SIGN_ENCOUNTER,
        "vitals": permissions.VIEW_ENCOUNTER,
        "add_vitals": permissions.RECORD_VITALS,
        "diagnoses": permissions.VIEW_ENCOUNTER,
        "add_diagnosis": permissions.WRITE_ENCOUNTER,
        "notes": permissions.VIEW_ENCOUNTER,
        "add_note": permissions.WRITE_ENCOUNTER,
        "attachments": permissions.VIEW_ENCOUNTER,
        "add_attachment": permissions.WRITE_ENCOUNTER,
        "attachment": permissions.VIEW_ENCOUNTER,
        "remove_attachment": permissions.WRITE_ENCOUNTER,
        "addenda": permissions.VIEW_ENCOUNTER,
        "add_addendum": permissions.WRITE_ENCOUNTER,
    }
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    serializer_class = serializers.VisitSerializer

    def get_queryset(self):
        return selectors.with_content(Encounter.objects.visible_to(self.request.user))

    def get_object(self):
        """Whatever is done with one visit, its chart is opened."""
        visit = super().get_object()
        check_chart_open(patient=visit.patient, by=self.request.user)
        return visit

    def list(self, request):
        asked = serializers.VisitFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        visits = (
            self.get_queryset()
            .of_open_charts(request.user, now=timezone.now())
            .filter(**_conditions(dict(asked.validated_data)))
            .order_by("-started_at", "-id")
        )
        page = self.paginate_queryset(visits)
        record_list_read(encounters=page, by=request.user)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request, public_id):
        visit = self.get_object()
        if request.headers.get("If-None-Match") == etag_of(visit.version):
            return Response(status=304, headers={"ETag": etag_of(visit.version)})
        record_chart_read(patient=visit.patient, by=request.user, subject=visit)
        return self.versioned_response(visit)

    def partial_update(self, request, public_id):
        body = self._body(serializers.VisitSerializer, partial=True)
        visit = self.get_object()
        encounters.update_encounter(encounter_id=visit.pk, changes=body, by=request.user, expected_version=expected_version(request))
        return self.versioned_response(self.get_object())

    @action(detail=True, methods=["post"])
    def complete(self, request, public_id):
        encounters.complete_visit(encounter_id=self.get_object().pk, by=request.user, expected_version=expected_version(request))
        return self.versioned_response(self.get_object())

    @action(detail=True, methods=["post"], url_path="entered-in-error")
    def entered_in_error(self, request, public_id):
        body = self._body(serializers.ReasonInput)
        encounters.mark_entered_in_error(encounter_id=self.get_object().pk, by=request.user, **body)
        return self.versioned_response(self.get_object())

    @action(detail=True)
    def vitals(self, request, public_id):
        return Response(whole_list(serializers.VitalsSerializer(self._read_visit().vitals.all(), many=True).data))

    @vitals.mapping.post
    @idempotent
    def add_vitals(self, request, public_id):
        values = self._body(serializers.VitalsSerializer)
        vitals = encounters.record_vitals(encounter_id=self.get_object().pk, values=values, by=request.user, request_id=request.request_id)
        return Response(serializers.VitalsSerializer(vitals).data, status=201)

    @action(detail=True)
    def diagnoses(self, request, public_id):
        return Response(whole_list(serializers.DiagnosisSerializer(self._read_visit().diagnoses.all(), many=True).data))

    @diagnoses.mapping.post
    @idempotent
    def add_diagnosis(self, request, public_id):
        body = {"code": ""} | self._body(serializers.DiagnosisSerializer)
        diagnosis = encounters.add_diagnosis(encounter_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body)
        return Response(serializers.DiagnosisSerializer(diagnosis).data, status=201)

    @action(detail=True)
    def notes(self, request, public_id):
        return Response(whole_list(serializers.NoteSerializer(notes.read_notes(self._read_visit()), many=True).data))

    @notes.mapping.post
    @idempotent
    def add_note(self, request, public_id):
        body = {"text": ""} | self._body(serializers.NoteInput)
        visit = self.get_object()
        note = notes.write_note(
            encounter_id=visit.pk, patient_id=visit.patient_id, author=request.user, request_id=request.request_id, **body
        )
        return Response(serializers.NoteSerializer(notes.read_bodies([note])[0]).data, status=201)

    @action(detail=True)
    def attachments(self, request, public_id):
        found = self._read_visit().attachments.headers()
        return Response(whole_list(serializers.AttachmentSerializer(found, many=True).data))

    @attachments.mapping.post
    @idempotent
    def add_attachment(self, request, public_id):
        file = self._body(serializers.FileInput)["file"]
        visit = self.get_object()
        attachment = attachments.add_attachment(
            encounter_id=visit.pk,
            patient_id=visit.patient_id,
            name=file.name,
            content=file.read(),
            by=request.user,
            request_id=request.request_id,
        )
        return Response(serializers.AttachmentSerializer(attachment).data, status=201)

    @action(detail=True, url_path="attachments/<uuid:attachment>")
    def attachment(self, request, public_id, attachment):
        file, content = attachments.read_attachment(self._read_visit(), attachment)
        return download(file.name, content, file.content_type)

    @attachment.mapping.delete
    def remove_attachment(self, request, public_id, attachment):
        attachments.remove_attachment(encounter_id=self.get_object().pk, attachment_id=attachment, by=request.user)
        return Response(status=204)

    def get_parsers(self):
        """A file comes as multipart/form-data, all else as JSON."""
        return [MultiPartParser()] if self.request_is_for_files() else super().get_parsers()

    def request_is_for_files(self) -> bool:
        return getattr(self, "action_map", {}).get("post") == "add_attachment"

    @action(detail=True)
    def addenda(self, request, public_id):
        found = self._read_visit().addenda.select_related("author").order_by("created_at", "id")
        return Response(whole_list(serializers.AddendumSerializer(found, many=True).data))

    @addenda.mapping.post
    @idempotent
    def add_addendum(self, request, public_id):
        body = self._body(serializers.AddendumSerializer)
        addendum = addenda.add_addendum(encounter_id=self.get_object().pk, author=request.user, request_id=request.request_id, **body)
        return Response(serializers.AddendumSerializer(addendum).data, status=201)

    def _read_visit(self) -> Encounter:
        """The visit, of which a part is about to be read."""
        visit = self.get_object()
        record_chart_read(patient=visit.patient, by=self.request.user, subject=visit)
        return visit

    def _body(self, serializer_class, **kwargs) -> dict:
        body = serializer_class(data=self.request.data, **kwargs)
        body.is_valid(raise_exception=True)
        return body.validated_data


def _conditions(asked: dict) -> dict:
    """The filter's parameters as conditions; days become instants of the clinic's wall clock."""
    for name, condition, days in (("date_from", "started_at__gte", 0), ("date_to", "started_at__lt", 1)):
        if day := asked.pop(name, None):
            asked[condition] = timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))
    return asked
