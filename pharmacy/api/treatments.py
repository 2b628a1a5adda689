"""What was done in a visit, with the medicines that it used: here, because they leave the stock."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from clinic.audit.api import idempotent
from clinic.core.api import whole_list
from clinic.core.schema import whole_list_of
from clinic.core.serializers import PublicIdField
from patients import permissions
from patients.api.serializers import TextField, TreatmentSerializer
from patients.api.visits import VisitViewSet
from patients.models import TreatmentType
from pharmacy.api.body import checked
from pharmacy.api.serializers import WitnessInput, quantity_field
from pharmacy.api.witness import witnessed
from pharmacy.models import Medicine
from pharmacy.services.treating import MOST_MEDICINES, give_treatment


class TreatmentMedicineInput(serializers.Serializer):
    medicine = PublicIdField(queryset=Medicine.objects.active())
    quantity = quantity_field()


class GivenTreatmentInput(serializers.Serializer):
    treatment_type = PublicIdField(queryset=TreatmentType.objects.all())
    notes = TextField(max_length=2000)
    medicines = TreatmentMedicineInput(many=True, required=False, max_length=MOST_MEDICINES)
    witness = WitnessInput(required=False, write_only=True)


class VisitTreatments(VisitViewSet):
    """The treatments of one visit."""

    action_permissions = {"treatments": permissions.VIEW_ENCOUNTER, "add_treatment": permissions.WRITE_ENCOUNTER}
    serializer_class = TreatmentSerializer

    @extend_schema(responses=whole_list_of(TreatmentSerializer, "TreatmentList"))
    def treatments(self, request, public_id):
        return Response(whole_list(TreatmentSerializer(self._read_visit().treatments.all(), many=True).data))

    @extend_schema(request=GivenTreatmentInput, responses={201: TreatmentSerializer})
    @witnessed
    @idempotent
    def add_treatment(self, request, public_id):
        body = {"notes": "", "medicines": []} | checked(GivenTreatmentInput, request) | {"witness": request.witness}
        treatment = give_treatment(
            encounter_id=self.get_object().pk, by=request.user, on=timezone.localdate(), request_id=request.request_id, **body
        )
        return Response(TreatmentSerializer(treatment).data, status=201)
