"""Departments, specializations, facilities, doctors: read by everyone signed in, written by administrators."""

from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from clinic.accounts.api.serializers import (
    DepartmentSerializer,
    DoctorDetailsInput,
    DoctorFilter,
    DoctorInput,
    DoctorSerializer,
    FacilitySerializer,
    SpecializationSerializer,
)
from clinic.accounts.models import Department, Facility, Specialization
from clinic.accounts.permissions import MANAGE_DIRECTORY
from clinic.accounts.roles import Role
from clinic.accounts.selectors import list_doctors
from clinic.accounts.services import directory, staff
from clinic.core.api import ANY_SIGNED_IN, EtagMixin
from clinic.core.http import expected_version

_READ = {"list": ANY_SIGNED_IN, "retrieve": ANY_SIGNED_IN}
_WRITE = dict.fromkeys(("create", "update", "partial_update", "destroy"), MANAGE_DIRECTORY)


class EntryViewSet(ModelViewSet):
    """List and retrieve for all; writes go through the directory's services."""

    action_permissions = _READ | _WRITE
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def perform_create(self, serializer):
        self.perform_update(serializer)

    def perform_update(self, serializer):
        entry = serializer.instance or self.queryset.model()
        for name, value in serializer.validated_data.items():
            setattr(entry, name, value)
        serializer.instance = directory.save_entry(entry=entry, by=self.request.user)

    def perform_destroy(self, instance):
        directory.remove_entry(entry=instance, by=self.request.user)


class FacilityViewSet(EntryViewSet):
    queryset = Facility.objects.all()
    serializer_class = FacilitySerializer


class SpecializationViewSet(EntryViewSet):
    queryset = Specialization.objects.all()
    serializer_class = SpecializationSerializer


class DepartmentViewSet(EntryViewSet):
    queryset = Department.objects.select_related("facility")
    serializer_class = DepartmentSerializer
    action_permissions = EntryViewSet.action_permissions | {"doctors": ANY_SIGNED_IN}

    @action(detail=True)
    def doctors(self, request, public_id):
        doctors = list_doctors(department=self.get_object().public_id)
        return self.get_paginated_response(DoctorSerializer(self.paginate_queryset(doctors), many=True).data)


class DoctorViewSet(EtagMixin, GenericViewSet):
    """Doctors who work here. DELETE ends their work; their record stays."""

    action_permissions = _READ | _WRITE
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    serializer_class = DoctorSerializer

    def get_queryset(self):
        if self.action != "list":
            return list_doctors()
        filters = DoctorFilter(data=self.request.query_params)
        filters.is_valid(raise_exception=True)
        return list_doctors(**filters.validated_data)

    def list(self, request):
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(self.get_queryset()), many=True).data)

    def create(self, request):
        body = DoctorInput(data=request.data)
        body.is_valid(raise_exception=True)
        person = {name: body.validated_data.pop(name) for name in ("username", "email", "password", "first_name", "last_name")}
        user = staff.register_staff(data=person, roles=[Role.DOCTOR], doctor=body.validated_data, by=request.user)
        return self.versioned_response(user.doctor, status=201)

    def update(self, request, public_id, partial=False):
        doctor = self.get_object()
        body = DoctorDetailsInput(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        directory.change_doctor(
            doctor_id=doctor.pk, changes=body.validated_data, by=request.user, expected_version=expected_version(request)
        )
        return self.versioned_response(self.get_object())

    def partial_update(self, request, public_id):
        return self.update(request, public_id, partial=True)

    def destroy(self, request, public_id):
        doctor = self.get_object()
        directory.change_doctor(
            doctor_id=doctor.pk, changes={"is_active": False}, by=request.user, expected_version=expected_version(request)
        )
        return Response(status=204)
