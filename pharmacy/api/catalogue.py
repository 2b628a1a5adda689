"""Medicines and suppliers."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from clinic.core.api import EtagMixin
from clinic.core.errors import NotFound
from clinic.core.http import expected_version
from pharmacy.api.body import checked
from pharmacy.api.filters import MedicineFilters, SupplierFilters
from pharmacy.api.serializers import (
    LeafletSerializer,
    MedicineSerializer,
    RegisterEntrySerializer,
    SupplierSerializer,
)
from pharmacy.models import Medicine, MedicineLeaflet, Supplier
from pharmacy.permissions import DISPENSE, MANAGE_MEDICINE, MANAGE_STOCK, VIEW_MEDICINE, VIEW_STOCK
from pharmacy.selectors.stock import register_of
from pharmacy.services import catalogue
from pharmacy.services.register import read_register


class MedicineViewSet(EtagMixin, ModelViewSet):
    serializer_class = MedicineSerializer
    lookup_field = "public_id"
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]
    action_permissions = {
        "list": VIEW_MEDICINE,
        "retrieve": VIEW_MEDICINE,
        "create": MANAGE_MEDICINE,
        "update": MANAGE_MEDICINE,
        "partial_update": MANAGE_MEDICINE,
        "destroy": MANAGE_MEDICINE,
        "register": DISPENSE,
        "leaflet": VIEW_MEDICINE,
    }
    queryset = Medicine.objects.all()

    def get_queryset(self):
        medicines = Medicine.objects.with_stock(timezone.localdate())
        if self.action != "list":
            return medicines
        filters = MedicineFilters.of(self.request)
        if filters["is_active"] is not None:
            medicines = medicines.filter(is_active=filters["is_active"])
        return medicines.matching(filters.get("search", ""))

    @extend_schema(parameters=[MedicineFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    def retrieve(self, request, *args, **kwargs):
        return self.versioned_response(self.get_object())  # never 304: what is on hand changes without the medicine

    def create(self, request, *args, **kwargs):
        medicine = catalogue.add_medicine(data=checked(MedicineSerializer, request), by=request.user)
        return self._answer(medicine, status=201)

    def update(self, request, *args, partial=False, **kwargs):
        medicine = self.get_object()
        changes = checked(MedicineSerializer, request, instance=medicine, partial=partial)
        changed = catalogue.update_medicine(
            medicine_id=medicine.pk, changes=changes, by=request.user, expected_version=expected_version(request)
        )
        return self._answer(changed)

    def destroy(self, request, *args, **kwargs):
        catalogue.deactivate_medicine(medicine_id=self.get_object().pk, by=request.user)
        return Response(status=204)

    @extend_schema(responses=RegisterEntrySerializer(many=True))
    @action(detail=True)
    def register(self, request, public_id):
        """Of a controlled medicine: its ledger, newest first, with a running balance over all batches."""
        medicine = self.get_object()
        if not medicine.is_controlled:
            raise NotFound
        page = self.paginate_queryset(register_of(medicine))
        read_register(medicine=medicine, entries=page, by=request.user)
        return self.get_paginated_response(RegisterEntrySerializer(page, many=True).data)

    @extend_schema(responses=LeafletSerializer)
    @action(detail=True)
    def leaflet(self, request, public_id):
        """What patients are told about it: the newest text, if there is one."""
        leaflet = MedicineLeaflet.objects.current().filter(medicine=self.get_object()).first()
        if leaflet is None:
            raise NotFound
        return Response(LeafletSerializer(leaflet).data)

    def _answer(self, medicine: Medicine, status: int = 200) -> Response:
        return self.versioned_response(Medicine.objects.with_stock(timezone.localdate()).get(pk=medicine.pk), status=status)


class SupplierViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    serializer_class = SupplierSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_STOCK, "retrieve": VIEW_STOCK, "create": MANAGE_STOCK, "partial_update": MANAGE_STOCK}
    queryset = Supplier.objects.all()

    def get_queryset(self):
        suppliers = Supplier.objects.order_by("name", "id")
        search = SupplierFilters.of(self.request).get("search") if self.action == "list" else None
        return suppliers.filter(name__icontains=search) if search else suppliers

    @extend_schema(parameters=[SupplierFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    def create(self, request):
        supplier = catalogue.add_supplier(data=checked(SupplierSerializer, request), by=request.user)
        return Response(SupplierSerializer(supplier).data, status=201)

    def partial_update(self, request, public_id):
        changes = checked(SupplierSerializer, request, partial=True)
        supplier = catalogue.update_supplier(supplier_id=self.get_object().pk, changes=changes, by=request.user)
        return Response(SupplierSerializer(supplier).data)
