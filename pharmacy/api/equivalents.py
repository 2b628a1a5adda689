"""Pairs of medicines that a pharmacist approved to stand for each other."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pharmacy.api.body import checked
from pharmacy.api.serializers import EquivalentInput, EquivalentSerializer
from pharmacy.models import Equivalent
from pharmacy.permissions import MANAGE_MEDICINE, VIEW_MEDICINE
from pharmacy.services.equivalents import approve_equivalent, withdraw_equivalent


class EquivalentViewSet(mixins.ListModelMixin, GenericViewSet):
    """What has the same ingredients, form, strength and unit needs no pair."""

    serializer_class = EquivalentSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_MEDICINE, "create": MANAGE_MEDICINE, "destroy": MANAGE_MEDICINE}
    queryset = Equivalent.objects.in_force().select_related("first", "second", "approved_by").order_by("-id")

    @extend_schema(request=EquivalentInput, responses={201: EquivalentSerializer})
    def create(self, request):
        pair = approve_equivalent(by=request.user, **checked(EquivalentInput, request))
        return Response(self.get_serializer(pair).data, status=201)

    def destroy(self, request, public_id):
        withdraw_equivalent(pair_id=self.get_object().pk, by=request.user)
        return Response(status=204)
