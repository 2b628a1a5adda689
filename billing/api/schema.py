"""The API's description of invoices, payments, credit notes, claims and shifts."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers

from billing.api import claims, credits, deposits, events, filters, inputs, invoices, packages, payments, preview, shifts
from billing.api import serializers as shapes
from billing.models import MONEY_METHODS, EventOutcome, InvoiceStatus, PaymentMethod
from clinic.core.schema import CHECKS_VERSION, NOTHING, PDF, READS_VERSION, REASON_IN_QUERY, SHOWS_VERSION, describe
from clinic.core.serializers import MoneyField

# --- Shapes, where they say more than the serializers that read and write them -----------


class VoidInput(inputs.ReasonInput):
    """Why it should not have been made."""


class PatientChargeInput(inputs.ReasonInput):
    """Why the insurer does not pay."""


class InvoiceLinesInput(inputs.LinesInput):
    is_whole = True


class InvoiceInput(inputs.InOwnCurrency):
    """{visit}, {dispensing}, or {patient, lines}."""

    visit = serializers.UUIDField(required=False)
    dispensing = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    lines = inputs.LineInput(many=True, required=False, min_length=1)


class DepositInput(inputs.InOwnCurrency):
    """Money in advance."""

    patient = serializers.UUIDField()
    method = serializers.ChoiceField(MONEY_METHODS)
    amount = MoneyField()
    reference = serializers.CharField(max_length=80, required=False, allow_blank=True)


class ProviderEventInput(serializers.Serializer):
    """As the demo's provider sends it, with the time and the signature in `Payment-Signature`."""

    id = serializers.CharField(max_length=100)
    reference = serializers.UUIDField()
    amount = MoneyField()
    currency = serializers.CharField(max_length=3)


class ProviderEventAnswer(serializers.Serializer):
    event = serializers.CharField()
    outcome = serializers.ChoiceField(EventOutcome.choices)


class InvoiceAnswer(shapes.InvoiceSerializer):
    status = serializers.ChoiceField(InvoiceStatus.choices)


class PaymentAnswer(shapes.PaymentSerializer):
    invoice_status = serializers.ChoiceField(InvoiceStatus.choices)


class RefundAnswer(shapes.RefundSerializer):
    invoice_status = serializers.ChoiceField(InvoiceStatus.choices)
    method = serializers.ChoiceField(PaymentMethod.choices)


class ShiftAnswer(shapes.ShiftSerializer):
    status = serializers.ChoiceField(["open", "closed"])
    expected = serializers.DictField(child=serializers.CharField(), help_text="Amounts by method, so far.")


class HandoverInput(inputs.CountInput):
    """The count, and who works at the drawer from now on."""

    to = serializers.UUIDField()


class ClaimInput(serializers.Serializer):
    invoice = serializers.UUIDField()


class ClaimBatchAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    payer = serializers.CharField()
    claims = claims.ClaimSerializer(many=True)


class RemittanceRowAnswer(serializers.Serializer):
    line = serializers.IntegerField()
    claim = serializers.CharField(allow_blank=True)
    fate = serializers.ChoiceField(["done", "unchanged", "refused"])
    detail = serializers.CharField()


class RemittanceAnswer(serializers.Serializer):
    dry_run = serializers.BooleanField()
    rows = RemittanceRowAnswer(many=True)


CSV = {(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, description="A file for the insurer.")}


class SplitPaymentAnswer(serializers.Serializer):
    payments = PaymentAnswer(many=True)


PAY_INPUT = PolymorphicProxySerializer("PayInput", [inputs.PaymentInput, inputs.SplitPaymentInput], resource_type_field_name=None)
PAY_ANSWER = PolymorphicProxySerializer("PayAnswer", [PaymentAnswer, SplitPaymentAnswer], resource_type_field_name=None)


# --- Operations --------------------------------------------------------------------------

describe(
    invoices.InvoiceViewSet,
    list=extend_schema(parameters=[filters.InvoiceFilter], responses=InvoiceAnswer(many=True)),
    retrieve=extend_schema(responses=InvoiceAnswer, parameters=READS_VERSION),
    create=extend_schema(request=InvoiceInput, responses={201: InvoiceAnswer}, parameters=SHOWS_VERSION),
    partial_update=extend_schema(request=InvoiceLinesInput, responses=InvoiceAnswer, parameters=CHECKS_VERSION),
    destroy=extend_schema(responses={204: NOTHING}, parameters=[REASON_IN_QUERY]),
    void=extend_schema(request=VoidInput, responses=InvoiceAnswer, parameters=SHOWS_VERSION),
    issue=extend_schema(description="Give it a number and freeze it.", request=None, responses=InvoiceAnswer, parameters=SHOWS_VERSION),
    discount=extend_schema(
        description="Take something off a draft, or off one line of it.",
        request=inputs.DiscountInput,
        responses=InvoiceAnswer,
        parameters=CHECKS_VERSION,
    ),
    pay=extend_schema(request=PAY_INPUT, responses={201: PAY_ANSWER}),
    apply_deposit=extend_schema(request=inputs.ApplyInput, responses={201: SplitPaymentAnswer}),
    credit=extend_schema(request=inputs.CreditInput, responses={201: shapes.CreditNoteSerializer}),
    credit_returned=extend_schema(request=None, responses={201: shapes.CreditNoteSerializer}),
    charge_patient=extend_schema(request=PatientChargeInput, responses=InvoiceAnswer, parameters=SHOWS_VERSION),
    pdf=extend_schema(description="The invoice as a document.", responses=PDF),
)
describe(
    deposits.DepositViewSet,
    list=extend_schema(parameters=[filters.DepositFilter]),
    create=extend_schema(request=DepositInput, responses={201: deposits.DepositSerializer}),
    refund=extend_schema(request=inputs.RefundInput, responses={201: deposits.DepositSerializer}),
)
describe(
    packages.PackageViewSet,
    create=extend_schema(request=inputs.PackageInput, responses={201: packages.PackageSerializer}),
    end=extend_schema(request=inputs.PackageEndInput, responses=packages.PackageSerializer),
)
describe(
    preview.InvoicePreview,
    get=extend_schema(operation_id="invoice_preview", parameters=[filters.PreviewFilter], responses=shapes.PreviewSerializer),
)
describe(credits.CreditNoteViewSet, list=extend_schema(parameters=[filters.CreditNoteFilter]))
describe(
    claims.ClaimViewSet,
    list=extend_schema(parameters=[filters.ClaimFilter]),
    retrieve=extend_schema(parameters=READS_VERSION),
    create=extend_schema(request=ClaimInput, responses={201: claims.ClaimSerializer}, parameters=SHOWS_VERSION),
    answer=extend_schema(request=inputs.ClaimAnswerInput, responses=claims.ClaimSerializer, parameters=SHOWS_VERSION),
    batch=extend_schema(request=inputs.PayerInput, responses={201: ClaimBatchAnswer}),
    batch_csv=extend_schema(responses=CSV),
    remittance=extend_schema(request=inputs.RemittanceInput, responses=RemittanceAnswer),
)
describe(
    payments.PaymentViewSet,
    list=extend_schema(parameters=[filters.PaymentFilter], responses=PaymentAnswer(many=True)),
    retrieve=extend_schema(responses=PaymentAnswer),
    refund=extend_schema(request=inputs.RefundInput, responses={201: RefundAnswer}),
)
describe(
    shifts.ShiftViewSet,
    list=extend_schema(parameters=[filters.ShiftFilter], responses=ShiftAnswer(many=True)),
    retrieve=extend_schema(responses=ShiftAnswer, parameters=READS_VERSION),
    create=extend_schema(request=inputs.ShiftInput, responses={201: ShiftAnswer}, parameters=SHOWS_VERSION),
    hand_over=extend_schema(request=HandoverInput, responses={201: ShiftAnswer}, parameters=SHOWS_VERSION),
    close=extend_schema(
        description="Count the drawer; a variance needs a reason.",
        request=inputs.CountInput,
        responses=ShiftAnswer,
        parameters=SHOWS_VERSION,
    ),
)
describe(
    events.ProviderEvents,
    post=extend_schema(operation_id="payment_event", request=ProviderEventInput, responses=ProviderEventAnswer),
)
