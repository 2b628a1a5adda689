"""The query parameters of lists."""

from datetime import timedelta

from rest_framework import serializers

from billing.api.inputs import Day
from billing.models import ClaimStatus, InvoiceStatus, PaymentMethod
from billing.selectors import midnight


def within(queryset, column: str, asked: dict):
    """Those whose `column` lies in the days that were asked for."""
    if asked["start"]:
        queryset = queryset.filter(**{f"{column}__gte": asked["start"]})
    return queryset.filter(**{f"{column}__lt": asked["end"]}) if asked["end"] else queryset


class _Filter(serializers.Serializer):
    """Dates are whole days of the clinic, both ends included."""

    date_from = Day(required=False)
    date_to = Day(required=False)

    @classmethod
    def of(cls, request) -> dict:
        """The parameters that are set; ValidationError for one that makes no sense."""
        given = cls(data={name: value for name, value in request.query_params.items() if value != ""})
        given.is_valid(raise_exception=True)
        return given.validated_data

    def validate(self, attrs):
        attrs["start"] = midnight(attrs["date_from"]) if "date_from" in attrs else None
        attrs["end"] = midnight(attrs["date_to"] + timedelta(days=1)) if "date_to" in attrs else None
        return attrs


class InvoiceFilter(_Filter):
    patient = serializers.UUIDField(required=False)
    visit = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=InvoiceStatus.choices, required=False)
    search = serializers.CharField(required=False, max_length=100)


class ClaimFilter(_Filter):
    invoice = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    payer = serializers.CharField(max_length=120, required=False)
    status = serializers.ChoiceField(choices=ClaimStatus.choices, required=False)


class CreditNoteFilter(_Filter):
    invoice = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)


class PaymentFilter(_Filter):
    invoice = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    method = serializers.ChoiceField(choices=PaymentMethod.choices, required=False)


class DepositFilter(_Filter):
    patient = serializers.UUIDField(required=False)


class ShiftFilter(_Filter):
    status = serializers.ChoiceField(choices=["open", "closed"], required=False)


class PreviewFilter(serializers.Serializer):
    """{visit} or {dispensing}."""

    visit = serializers.UUIDField(required=False)
    dispensing = serializers.UUIDField(required=False)

    def validate(self, attrs):
        if len(attrs) != 1:
            raise serializers.ValidationError({"visit": ["Give a visit or a dispensing."]})
        return attrs
