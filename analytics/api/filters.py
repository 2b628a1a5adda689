"""What the reports may be asked for; anything else is a 400 that names the parameter."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from rest_framework import serializers

from pharmacy.models import MovementKind

FIRST, LAST = date(1900, 1, 1), date(9000, 1, 1)  # as instants, dates outside are not representable everywhere
_OF_EVERY_LIST = {"page", "page_size", "format"}


class Filters(serializers.Serializer):
    """Query parameters; an empty one is as none, an unknown one is refused."""

    @classmethod
    def of(cls, request) -> dict:
        filters = cls(data={name: value for name, value in request.query_params.items() if value != ""})
        filters.is_valid(raise_exception=True)
        return filters.validated_data

    def to_internal_value(self, data):
        if unknown := set(data) - set(self.fields) - _OF_EVERY_LIST:
            raise serializers.ValidationError({name: ["There is no such filter."] for name in sorted(unknown)})
        return super().to_internal_value(data)


class RangeFilters(Filters):
    """Days of the clinic, both included."""

    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)

    def validate(self, values):
        for name in ("date_from", "date_to"):
            if name in values and not FIRST <= values[name] <= LAST:
                raise serializers.ValidationError({name: ["Give a date from 1900 on."]})
        if values.get("date_from", FIRST) > values.get("date_to", LAST):
            raise serializers.ValidationError({"date_to": ["The last day lies before the first."]})
        return values


class AuditFilters(RangeFilters):
    user = serializers.UUIDField(required=False)
    action = serializers.CharField(required=False, max_length=80)
    resource = serializers.CharField(required=False, max_length=40, help_text="A type, as `patient`, or the id of one.")
    patient = serializers.UUIDField(required=False)
    request_id = serializers.CharField(required=False, max_length=64)


class VisitFilters(RangeFilters):
    patient = serializers.UUIDField(required=False)
    doctor = serializers.UUIDField(required=False)


class MovementFilters(RangeFilters):
    medicine = serializers.UUIDField(required=False)
    batch = serializers.CharField(required=False, max_length=60, help_text="The batch number on the package.")
    type = serializers.ChoiceField(required=False, choices=MovementKind.choices)
    user = serializers.UUIDField(required=False)


def instants(filters: dict, field: str) -> dict:
    """A MongoDB condition on `field` for the days asked for, midnight to midnight of the clinic's clock."""
    bounds = {}
    if day := filters.get("date_from"):
        bounds["$gte"] = _midnight(day)
    if day := filters.get("date_to"):
        bounds["$lt"] = _midnight(day + timedelta(days=1))
    return {field: bounds} if bounds else {}


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
