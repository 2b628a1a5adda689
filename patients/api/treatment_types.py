from rest_framework import mixins
from rest_framework.viewsets import GenericViewSet

from clinic.core.api import ANY_SIGNED_IN, EtagMixin, HasActionPermission
from clinic.core.http import expected_version
from patients import permissions
from patients.api.serializers import TreatmentTypeSerializer
from patients.models import TreatmentType
from patients.services import treatments


class TreatmentTypeViewSet(EtagMixin, mixins.ListModelMixin, GenericViewSet):
    """The catalogue of treatments. Nothing leaves it: `is_active` takes a line out of use."""

    permission_classes = [HasActionPermission]
    action_permissions = {
        "list": ANY_SIGNED_IN,
        "retrieve": ANY_SIGNED_IN,
        "create": permissions.MANAGE_TREATMENT_TYPES,
        "partial_update": permissions.MANAGE_TREATMENT_TYPES,
    }
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    serializer_class = TreatmentTypeSerializer
    queryset = TreatmentType.objects.order_by("name", "id")

    def create(self, request):
        body = TreatmentTypeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = {name: body.validated_data[name] for name in ("name", "base_cost")}
        return self.versioned_response(treatments.add_treatment_type(by=request.user, **values), status=201)

    def partial_update(self, request, public_id):
        body = TreatmentTypeSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        row = treatments.change_treatment_type(
            type_id=self.get_object().pk, changes=body.validated_data, by=request.user, expected_version=expected_version(request)
        )
        return self.versioned_response(row)
