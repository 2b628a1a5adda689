"""The shape of what comes in."""

from decimal import Decimal, InvalidOperation

from django.conf import settings
from rest_framework import serializers

from billing.models import COUNTER_METHODS, MONEY_METHODS, ClaimStatus, Invoice
from clinic.accounts.models import User
from clinic.core.serializers import MoneyField, PublicIdField
from patients.models import Encounter, Patient
from pharmacy.models import Dispense

_YEARS = range(1900, 2200)  # beyond them a day has no midnight in every time zone


def read(shape, request) -> dict:
    """The request's body in that shape; ValidationError otherwise."""
    body = shape(data=request.data, context={"request": request})
    body.is_valid(raise_exception=True)
    return body.validated_data


class InOwnCurrency(serializers.Serializer):
    """Amounts are of the clinic's currency. It may be named; another one is refused."""

    currency = serializers.CharField(max_length=3, required=False)

    def validate_currency(self, value):
        if value != settings.CURRENCY:
            raise serializers.ValidationError(f"Money is {settings.CURRENCY} here.")
        return value

    def validate(self, attrs):
        attrs.pop("currency", None)
        return attrs


class Day(serializers.DateField):
    def to_internal_value(self, value):
        day = super().to_internal_value(value)
        if day.year not in _YEARS:
            raise serializers.ValidationError("Not a date that we keep anything of.")
        return day


class LineInput(serializers.Serializer):
    """A typed line, one of the price list, or a package of it (by code or id)."""

    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    unit_price = MoneyField(required=False)
    discount = MoneyField(required=False)
    discount_percent = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False)
    discount_reason = serializers.CharField(max_length=200, required=False, allow_blank=True)
    tax_percent = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False)
    price_item = serializers.CharField(max_length=40, required=False)
    package = serializers.CharField(max_length=40, required=False)

    def validate(self, attrs):
        if "package" in attrs and ("price_item" in attrs or "discount" in attrs or "discount_percent" in attrs):
            raise serializers.ValidationError({"package": ["A package has its own lines and prices."]})
        if "price_item" not in attrs and "package" not in attrs:
            missing = [name for name in ("description", "unit_price") if attrs.get(name) in (None, "")]
            if missing:
                raise serializers.ValidationError({name: ["This field is required without a price item."] for name in missing})
        return attrs


class LineChange(LineInput):
    """A line that stays (by its id) or a new one."""

    id = serializers.UUIDField(required=False)

    def validate(self, attrs):
        return attrs if "id" in attrs else super().validate(attrs)


class InvoiceInput(InOwnCurrency):
    """{visit}, {dispensing}, or {patient, lines}."""

    visit = PublicIdField(queryset=Encounter.objects.none(), required=False)
    dispensing = PublicIdField(queryset=Dispense.objects.none(), required=False)
    patient = PublicIdField(queryset=Patient.objects.none(), required=False)
    lines = LineInput(many=True, required=False, min_length=1)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        user = self.context["request"].user
        self.fields["visit"].queryset = Encounter.objects.visible_to(user)
        self.fields["dispensing"].queryset = Dispense.objects.visible_to(user)
        self.fields["patient"].queryset = Patient.objects.visible_to(user)

    def validate(self, attrs):
        if sum(name in attrs for name in ("visit", "dispensing", "patient")) != 1:
            raise serializers.ValidationError({"visit": ["Give a visit, a dispensing, or a patient and lines."]})
        if "patient" in attrs and "lines" not in attrs:
            raise serializers.ValidationError({"lines": ["This field is required."]})
        if "patient" not in attrs and "lines" in attrs:
            raise serializers.ValidationError({"lines": ["A visit brings its own lines."]})
        return super().validate(attrs)


class LinesInput(InOwnCurrency):
    lines = LineChange(many=True)


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


class DiscountInput(InOwnCurrency, ReasonInput):
    """{amount} or {percent} off the draft, or off one line of it."""

    amount = MoneyField(required=False)
    percent = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False)
    line = serializers.UUIDField(required=False)


class PartInput(serializers.Serializer):
    code = serializers.CharField(max_length=30)
    quantity = serializers.IntegerField(min_value=1, max_value=1000, default=1)


class PackageInput(InOwnCurrency):
    """Things of the price list, by their codes, at one price."""

    code = serializers.CharField(max_length=30)
    name = serializers.CharField(max_length=120)
    price = MoneyField()
    parts = PartInput(many=True, min_length=1, max_length=20)
    valid_from = Day(required=False)

    def validate_parts(self, parts):
        if len({part["code"] for part in parts}) < len(parts):
            raise serializers.ValidationError("Each thing stands here once.")
        return {part["code"]: part["quantity"] for part in parts}


class PackageEndInput(serializers.Serializer):
    valid_until = Day()


class CreditLineInput(serializers.Serializer):
    id = serializers.UUIDField()
    amount = MoneyField()


class CreditInput(InOwnCurrency, ReasonInput):
    """{lines} or {amount}; without either, all that is left."""

    lines = CreditLineInput(many=True, required=False, min_length=1)
    amount = MoneyField(required=False)


class ClaimInput(serializers.Serializer):
    invoice = PublicIdField(queryset=Invoice.objects.none())

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["invoice"].queryset = Invoice.objects.visible_to(self.context["request"].user)


class ClaimAnswerInput(InOwnCurrency):
    status = serializers.ChoiceField(choices=ClaimStatus.choices)
    amount = MoneyField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)
    reference = serializers.CharField(max_length=80, required=False, allow_blank=True)


class PayerInput(serializers.Serializer):
    payer = serializers.CharField(max_length=120)


class RemittanceInput(serializers.Serializer):
    csv = serializers.CharField(max_length=500_000, trim_whitespace=False)
    dry_run = serializers.BooleanField(default=True)


class PaymentInput(InOwnCurrency):
    method = serializers.ChoiceField(choices=COUNTER_METHODS)
    amount = MoneyField()
    tendered = MoneyField(required=False, allow_null=True)
    reference = serializers.CharField(max_length=80, required=False, allow_blank=True)


class SplitPaymentInput(serializers.Serializer):
    """One payment in several ways."""

    parts = PaymentInput(many=True, min_length=1, max_length=5)


class RefundInput(InOwnCurrency, ReasonInput):
    amount = MoneyField()


class DepositInput(InOwnCurrency):
    """Money in advance."""

    patient = PublicIdField(queryset=Patient.objects.none())
    method = serializers.ChoiceField(choices=MONEY_METHODS)
    amount = MoneyField()
    reference = serializers.CharField(max_length=80, required=False, allow_blank=True)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["patient"].queryset = Patient.objects.visible_to(self.context["request"].user)


class ApplyInput(InOwnCurrency):
    """Without an amount as much as is owed and there is."""

    amount = MoneyField(required=False)


class ShiftInput(InOwnCurrency):
    opening_float = MoneyField()


class CountInput(InOwnCurrency):
    counted = serializers.DictField(child=MoneyField(min_value=None))
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)
    denominations = serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=1_000_000), required=False)

    def validate_denominations(self, pieces):
        try:
            values = {Decimal(value): number for value, number in pieces.items()}
        except InvalidOperation as error:
            raise serializers.ValidationError("The value of a note or coin is an amount.") from error
        if not all(value.is_finite() for value in values):
            raise serializers.ValidationError("The value of a note or coin is an amount.")
        return values


class HandoverInput(CountInput):
    """The count, and who works at the drawer from now on."""

    to = PublicIdField(queryset=User.objects.filter(is_active=True))
