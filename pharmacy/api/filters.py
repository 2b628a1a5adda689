"""What lists may be asked for; anything else is a 400 that names the parameter."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from rest_framework import serializers

from pharmacy.models import BatchState, MovementKind, PrescriptionStatus

_FIRST, _LAST = date(1900, 1, 1), date(9000, 1, 1)  # as instants, dates outside are not representable everywhere


class Filters(serializers.Serializer):
    """Query parameters; an empty one is as none."""

    @classmethod
    def of(cls, request) -> dict:
        filters = cls(data={name: value for name, value in request.query_params.items() if value != ""})
        filters.is_valid(raise_exception=True)
        return filters.validated_data


class MedicineFilters(Filters):
    search = serializers.CharField(required=False, max_length=100)
    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)


class BatchFilters(Filters):
    medicine = serializers.UUIDField(required=False)
    store = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(BatchState.choices, required=False)


class SupplierFilters(Filters):
    search = serializers.CharField(required=False, max_length=100)


class MovementFilters(Filters):
    medicine = serializers.UUIDField(required=False)
    batch = serializers.UUIDField(required=False)
    kind = serializers.ChoiceField(MovementKind.choices, required=False)
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)


class TransferFilters(Filters):
    medicine = serializers.UUIDField(required=False)
    store = serializers.UUIDField(required=False, help_text="Where it came from, or went.")
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)


class PrescriptionFilters(Filters):
    patient = serializers.UUIDField(required=False)
    visit = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(PrescriptionStatus.choices, required=False)


class DispensingFilters(Filters):
    prescription = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)


class ExpiringFilters(Filters):
    days = serializers.IntegerField(required=False, default=30, min_value=0, max_value=3650)
    store = serializers.UUIDField(required=False)


def start_of(day: date) -> datetime:
    """Midnight of the clinic's wall clock."""
    return timezone.make_aware(datetime.combine(min(max(day, _FIRST), _LAST), time.min))


def end_of(day: date) -> datetime:
    return start_of(min(day, _LAST) + timedelta(days=1))
