from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin, HasActionPermission, whole_list
from clinic.core.errors import Forbidden
from clinic.core.http import etag_of, expected_version
from patients import permissions, selectors
from patients.api import serializers
from patients.models import Patient
from patients.services import access, consents, merging, registration
from patients.services.reading import record_chart_read

MOST_SEARCHED = 200


class PatientViewSet(EtagMixin, GenericViewSet):
    """Patients: search, registration, correction. Nobody is deleted: DELETE deactivates, with a reason."""

    permission_classes = [HasActionPermission]
    action_permissions = {
        "list": permissions.VIEW_PATIENT,
        "retrieve": permissions.VIEW_PATIENT,
        "create": permissions.ADD_PATIENT,
        "update": permissions.CHANGE_PATIENT,
        "partial_update": (permissions.CHANGE_PATIENT, permissions.CHANGE_OWN_CONTACT),
        "destroy": permissions.DEACTIVATE_PATIENT,
        "duplicates": (permissions.ADD_PATIENT, permissions.CHANGE_PATIENT),
        "access_log": permissions.VIEW_ACCESS_LOG,
        "consents": permissions.VIEW_CONSENT,
        "record_consent": permissions.RECORD_CONSENT,
        "merge": permissions.MERGE_PATIENTS,
        "unmerge": permissions.MERGE_PATIENTS,
        "not_duplicate": permissions.MERGE_PATIENTS,
        "restrict": permissions.RESTRICT_CHART,
        "unrestrict": permissions.RESTRICT_CHART,
        "break_glass": permissions.BREAK_GLASS,
    }
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    serializer_class = serializers.PatientSerializer

    def get_queryset(self):
        patients = Patient.objects.visible_to(self.request.user)
        return patients.unmerged() if self.action == "list" else selectors.with_lists(patients).select_related("merged_into")

    def list(self, request):
        query = request.query_params.get("search", "").strip()
        if query:
            page = selectors.patients_in_order(self.paginate_queryset(selectors.search_ids(query, request.user, limit=MOST_SEARCHED)))
        else:
            page = self.paginate_queryset(self.get_queryset().order_by("last_name", "first_name", "id"))
        return self.get_paginated_response(serializers.PatientRowSerializer(page, many=True).data)

    def retrieve(self, request, public_id):
        patient = self.get_object()
        access.check_chart_open(patient=patient, by=request.user)
        if request.headers.get("If-None-Match") == etag_of(patient.version):
            return Response(status=304, headers={"ETag": etag_of(patient.version)})
        record_chart_read(patient=patient, by=request.user)
        return self.versioned_response(patient)

    @idempotent
    def create(self, request):
        body = self._body(serializers.PatientSerializer)
        patient = registration.register_patient(data=body, by=request.user, on=timezone.localdate(), request_id=request.request_id)
        return self.versioned_response(patient, status=201)

    def update(self, request, public_id):
        return self._change(self._body(serializers.PatientSerializer))

    def partial_update(self, request, public_id):
        changes = self._body(serializers.PatientSerializer, partial=True)
        if not request.user.has_perm(permissions.CHANGE_PATIENT) and not set(changes) <= set(registration.CONTACT_FIELDS):
            raise Forbidden("You may change your contact details only.")
        return self._change(changes)

    def destroy(self, request, public_id):
        in_body = isinstance(request.data, dict) and "reason" in request.data
        reason = serializers.ReasonInput(data=request.data if in_body else request.query_params)
        reason.is_valid(raise_exception=True)
        registration.deactivate_patient(patient_id=self.get_object().pk, by=request.user, **reason.validated_data)
        return Response(status=204)

    @action(detail=True)
    def duplicates(self, request, public_id):
        patient = self.get_object()
        found = selectors.possible_duplicates(selectors.identity_of(patient), request.user, exclude_id=patient.pk)
        rows = [serializers.PatientRowSerializer(each.patient).data | {"reasons": each.reasons} for each in found]
        return Response(whole_list(rows))

    @action(detail=True, url_path="access-log")
    def access_log(self, request, public_id):
        page = self.paginate_queryset(selectors.access_log_of(self.get_object()))
        return self.get_paginated_response(serializers.AccessSerializer(page, many=True).data)

    @action(detail=True)
    def consents(self, request, public_id):
        patient = self.get_object()
        record_chart_read(patient=patient, by=request.user)
        page = self.paginate_queryset(patient.consents.newest_first())
        return self.get_paginated_response(serializers.ConsentSerializer(page, many=True).data)

    @consents.mapping.post
    @idempotent
    def record_consent(self, request, public_id):
        values = self._body(serializers.ConsentSerializer)
        consent = consents.record_consent(
            patient_id=self.get_object().pk, values=values, by=request.user, on=timezone.localdate(), request_id=request.request_id
        )
        return Response(serializers.ConsentSerializer(consent).data, status=201)

    @action(detail=True, methods=["post"])
    def merge(self, request, public_id):
        """`other` is the duplicate: what points at it then points at this record."""
        body = self._body(serializers.MergeInput)
        merging.merge_patients(
            survivor_id=self.get_object().pk, loser_id=body["other"].pk, reason=body["reason"], by=request.user, now=timezone.now()
        )
        return self.versioned_response(self.get_object())

    @action(detail=True, methods=["post"])
    def unmerge(self, request, public_id):
        """Undo the last merge of this record, as the survivor or as the duplicate."""
        merging.unmerge_patients(patient_id=self.get_object().pk, by=request.user, now=timezone.now())
        return self.versioned_response(self.get_object())

    @action(detail=True, methods=["post"], url_path="not-duplicate")
    def not_duplicate(self, request, public_id):
        other = self._body(serializers.OtherPatientInput)["other"]
        merging.mark_not_duplicate(patient_id=self.get_object().pk, other_id=other.pk, by=request.user)
        return Response(status=204)

    @action(detail=True, methods=["post"])
    def restrict(self, request, public_id):
        return self._set_restricted(True)

    @action(detail=True, methods=["post"])
    def unrestrict(self, request, public_id):
        return self._set_restricted(False)

    @action(detail=True, methods=["post"], url_path="break-glass")
    @idempotent
    def break_glass(self, request, public_id):
        body = self._body(serializers.ReasonInput)
        opening = access.break_glass(
            patient_id=self.get_object().pk, by=request.user, now=timezone.now(), request_id=request.request_id, **body
        )
        return Response(serializers.BreakGlassSerializer(opening).data, status=201)

    def _set_restricted(self, is_restricted: bool) -> Response:
        patient = access.set_restricted(patient_id=self.get_object().pk, is_restricted=is_restricted, by=self.request.user)
        return self.versioned_response(patient)

    def _body(self, serializer_class, **kwargs) -> dict:
        body = serializer_class(data=self.request.data, **kwargs)
        body.is_valid(raise_exception=True)
        return body.validated_data

    def _change(self, changes: dict) -> Response:
        patient = self.get_object()
        access.check_chart_open(patient=patient, by=self.request.user)
        patient = registration.update_patient(
            patient_id=patient.pk, changes=changes, by=self.request.user, expected_version=expected_version(self.request)
        )
        return self.versioned_response(patient)
