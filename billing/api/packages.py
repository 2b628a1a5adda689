"""Packages of the price list."""

from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing.api.inputs import PackageEndInput, PackageInput, read
from billing.models import Package, PackagePart
from billing.permissions import MANAGE_PRICE, VIEW_PRICE
from billing.services import packages
from clinic.audit.api import idempotent
from clinic.core.api import HasActionPermission


class PartSerializer(serializers.ModelSerializer):
    class Meta:
        model = PackagePart
        fields = ["code", "quantity"]


class PackageSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")
    parts = PartSerializer(many=True)

    class Meta:
        model = Package
        fields = ["id", "code", "name", "price", "valid_from", "valid_until", "parts"]


class PackageViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """Packages, by code and period. A new one ends what its code offered before."""

    permission_classes = [HasActionPermission]
    action_permissions = {"list": VIEW_PRICE, "retrieve": VIEW_PRICE, "create": MANAGE_PRICE, "end": MANAGE_PRICE}
    serializer_class = PackageSerializer
    queryset = Package.objects.prefetch_related("parts").order_by("code", "valid_from")
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    @idempotent
    def create(self, request, *args, **kwargs):
        body = {"valid_from": timezone.localdate()} | read(PackageInput, request)
        return Response(PackageSerializer(packages.set_package(by=request.user, **body)).data, status=201)

    @action(detail=True, methods=["post"])
    @idempotent
    def end(self, request, *args, **kwargs):
        """The first day on which it is no longer offered."""
        until = read(PackageEndInput, request)["valid_until"]
        return Response(PackageSerializer(packages.end_package(package_id=self.get_object().pk, valid_until=until, by=request.user)).data)
