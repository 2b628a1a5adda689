"""What the API answers."""

from rest_framework import serializers

from billing.models import CashCount, CreditLine, CreditNote, Invoice, InvoiceLine, Payment, Refund, Shift
from clinic.core.serializers import MoneyField


class LineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")

    class Meta:
        model = InvoiceLine
        fields = [
            "id",
            "kind",
            "description",
            "quantity",
            "unit_price",
            "discount",
            "discount_reason",
            "tax_percent",
            "tax",
            "total",
            "insurer_share",
            "patient_share",
        ]


class PreviewLineSerializer(serializers.ModelSerializer):
    patient_share = serializers.SerializerMethodField()

    class Meta:
        model = InvoiceLine
        fields = [
            "kind", "description", "quantity", "unit_price", "discount", "tax_percent", "tax", "total", "insurer_share", "patient_share",
        ]  # fmt: skip

    def get_patient_share(self, line) -> str:
        return f"{line.total - line.insurer_share:.2f}"


class PreviewSerializer(serializers.Serializer):
    """What an invoice would say; there is none yet."""

    patient = serializers.UUIDField(source="patient.public_id")
    patient_name = serializers.CharField(source="patient.full_name")
    lines = PreviewLineSerializer(many=True)
    payer = serializers.CharField()
    cover_percent = serializers.IntegerField()
    total = MoneyField()
    patient_share = MoneyField()
    insurer_share = MoneyField()


class InvoiceSerializer(serializers.ModelSerializer):
    """Needs `selectors.with_lines`."""

    id = serializers.UUIDField(source="public_id")
    patient = serializers.UUIDField(source="patient.public_id")
    patient_name = serializers.CharField(source="patient.full_name")
    visit = serializers.UUIDField(source="encounter.public_id", allow_null=True, default=None)
    status = serializers.CharField()
    lines = LineSerializer(many=True)
    patient_share = MoneyField()
    balance = MoneyField()
    overpaid = MoneyField()
    patient_balance = MoneyField(min_value=None)
    insurer_balance = MoneyField(min_value=None)

    class Meta:
        model = Invoice
        fields = [
            "id", "number", "patient", "patient_name", "visit", "status", "lines", "total", "paid", "balance", "void_reason",
            "payer", "policy_number", "cover_percent", "patient_share", "insurer_share", "patient_balance", "insurer_balance", "declined",
            "credited", "overpaid",
            "issued_at", "created_at", "version",
        ]  # fmt: skip
        read_only_fields = fields


class CreditLineSerializer(serializers.ModelSerializer):
    line = serializers.UUIDField(source="line.public_id")
    description = serializers.CharField(source="line.description")
    returned = serializers.IntegerField(allow_null=True, help_text="The units that came back to the pharmacy, if it is for them.")

    class Meta:
        model = CreditLine
        fields = ["line", "description", "amount", "tax", "returned"]


class CreditNoteSerializer(serializers.ModelSerializer):
    """Needs `selectors.credit_notes`; `invoice_status`, `balance` and `overpaid` are as the invoice stands now."""

    id = serializers.UUIDField(source="public_id")
    invoice = serializers.UUIDField(source="invoice.public_id")
    invoice_number = serializers.CharField(source="invoice.number")
    lines = CreditLineSerializer(many=True)
    invoice_status = serializers.CharField(source="invoice.status")
    balance = MoneyField(source="invoice.balance")
    overpaid = MoneyField(source="invoice.overpaid")

    class Meta:
        model = CreditNote
        fields = [
            "id", "number", "invoice", "invoice_number", "amount", "tax", "insurer_share", "reason", "issued_at", "lines",
            "invoice_status", "balance", "overpaid",
        ]  # fmt: skip


class PaymentSerializer(serializers.ModelSerializer):
    """Needs the invoice; `invoice_status` and `balance` are as the invoice stands now."""

    id = serializers.UUIDField(source="public_id")
    invoice = serializers.UUIDField(source="invoice.public_id")
    invoice_status = serializers.CharField(source="invoice.status")
    balance = MoneyField(source="invoice.balance")

    class Meta:
        model = Payment
        fields = [
            "id", "invoice", "method", "amount", "tendered", "change", "reference", "refunded", "received_at", "invoice_status",
            "balance",
        ]  # fmt: skip


class RefundSerializer(serializers.ModelSerializer):
    """Needs payment and invoice."""

    id = serializers.UUIDField(source="public_id")
    payment = serializers.UUIDField(source="payment.public_id")
    method = serializers.CharField(source="payment.method")
    invoice = serializers.UUIDField(source="payment.invoice.public_id")
    invoice_status = serializers.CharField(source="payment.invoice.status")
    balance = MoneyField(source="payment.invoice.balance")

    class Meta:
        model = Refund
        fields = ["id", "payment", "method", "amount", "reason", "refunded_at", "invoice", "invoice_status", "balance"]


class CountSerializer(serializers.ModelSerializer):
    variance = MoneyField(min_value=None)

    class Meta:
        model = CashCount
        fields = ["method", "expected", "counted", "variance"]


class ShiftSerializer(serializers.ModelSerializer):
    """Needs `selectors.shifts_for_list`, and `expected` in the context: {pk: {method: amount}}."""

    id = serializers.UUIDField(source="public_id")
    cashier = serializers.UUIDField(source="cashier.public_id")
    cashier_name = serializers.CharField(source="cashier.__str__")
    status = serializers.SerializerMethodField()
    expected = serializers.SerializerMethodField()
    counts = CountSerializer(many=True)

    class Meta:
        model = Shift
        fields = [
            "id", "cashier", "cashier_name", "status", "opening_float", "opened_at", "closed_at", "expected", "counts",
            "variance_reason", "version",
        ]  # fmt: skip

    def get_status(self, shift) -> str:
        return "open" if shift.is_open else "closed"

    def get_expected(self, shift) -> dict[str, str]:
        return {name: f"{value:.2f}" for name, value in self.context["expected"][shift.pk].items()}
