"""Invoices, and what is done to one of them."""

from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing import documents, selectors
from billing.api import filters, inputs
from billing.api.inputs import read
from billing.api.serializers import CreditNoteSerializer, InvoiceSerializer, PaymentSerializer
from billing.models import CreditNote, Invoice, Payment
from billing.permissions import (
    CREDIT_INVOICE,
    GIVE_DISCOUNT,
    ISSUE_INVOICE,
    MAKE_INVOICE,
    MANAGE_CLAIMS,
    TAKE_PAYMENT,
    VIEW_INVOICE,
    VOID_INVOICE,
)
from billing.services import claiming, crediting, deposits, drafts, invoicing, payments
from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin, HasActionPermission, ORJSONRenderer
from clinic.core.http import expected_version


class PdfRenderer(ORJSONRenderer):
    """Lets a client ask for application/pdf; a refusal is still JSON."""

    media_type = "application/pdf"
    format = "pdf"


class InvoiceViewSet(EtagMixin, ListModelMixin, GenericViewSet):
    """Invoices. POST {visit} bills what is not billed yet of a visit, {dispensing} what was handed out, {patient, lines} by hand.

    DELETE voids.
    """

    permission_classes = [HasActionPermission]
    action_permissions = {
        "list": VIEW_INVOICE,
        "retrieve": VIEW_INVOICE,
        "create": MAKE_INVOICE,
        "partial_update": MAKE_INVOICE,
        "destroy": VOID_INVOICE,
        "void": VOID_INVOICE,
        "issue": ISSUE_INVOICE,
        "discount": GIVE_DISCOUNT,
        "credit": CREDIT_INVOICE,
        "credit_returned": CREDIT_INVOICE,
        "charge_patient": MANAGE_CLAIMS,
        "pay": TAKE_PAYMENT,
        "apply_deposit": TAKE_PAYMENT,
        "pdf": VIEW_INVOICE,
    }
    serializer_class = InvoiceSerializer
    queryset = Invoice.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self):
        invoices = selectors.with_lines(Invoice.objects.visible_to(self.request.user)).order_by("-id")
        if self.action != "list":
            return invoices
        asked = filters.InvoiceFilter.of(self.request)
        if "patient" in asked:
            invoices = invoices.filter(patient__public_id=asked["patient"])
        if "visit" in asked:
            invoices = invoices.filter(encounter__public_id=asked["visit"])
        if "status" in asked:
            invoices = invoices.in_status(asked["status"])
        invoices = selectors.find_invoices(invoices, asked.get("search", ""))
        return selectors.dated_between(invoices, start=asked["start"], end=asked["end"])

    def answer(self, invoice: Invoice, status: int = 200) -> Response:
        return self.versioned_response(selectors.with_lines(Invoice.objects).get(pk=invoice.pk), status)

    @idempotent
    def create(self, request, *args, **kwargs):
        body = read(inputs.InvoiceInput, request)
        if "visit" in body:
            invoice = invoicing.draft_invoice(encounter_id=body["visit"].pk, by=request.user, request_id=request.request_id)
        elif "dispensing" in body:
            invoice = invoicing.draft_dispensed(dispense_id=body["dispensing"].pk, by=request.user, request_id=request.request_id)
        else:
            invoice = invoicing.draft_manual_invoice(
                patient_id=body["patient"].pk,
                lines=body["lines"],
                by=request.user,
                request_id=request.request_id,
                on=timezone.localdate(),
            )
        return self.answer(invoice, 201)

    def partial_update(self, request, *args, **kwargs):
        lines = read(inputs.LinesInput, request)["lines"]
        invoice = drafts.change_lines(
            invoice_id=self.get_object().pk,
            lines=lines,
            by=request.user,
            on=timezone.localdate(),
            expected_version=expected_version(request),
        )
        return self.answer(invoice)

    def destroy(self, request, *args, **kwargs):
        """Void it. The reason stands in the body or in `?reason=`."""
        given = request.data if "reason" in request.data else request.query_params
        body = inputs.ReasonInput(data={"reason": given.get("reason", "")})
        body.is_valid(raise_exception=True)
        invoicing.void_invoice(invoice_id=self.get_object().pk, by=request.user, **body.validated_data)
        return Response(status=204)

    @action(detail=True, methods=["post"])
    @idempotent
    def void(self, request, *args, **kwargs):
        body = read(inputs.ReasonInput, request)
        return self.answer(invoicing.void_invoice(invoice_id=self.get_object().pk, by=request.user, **body))

    @action(detail=True, methods=["post"])
    @idempotent
    def issue(self, request, *args, **kwargs):
        return self.answer(invoicing.issue_invoice(invoice_id=self.get_object().pk, by=request.user, on=timezone.localdate()))

    @action(detail=True, methods=["post"])
    @idempotent
    def discount(self, request, *args, **kwargs):
        body = read(inputs.DiscountInput, request)
        line_id, expected = body.pop("line", None), expected_version(request)
        return self.answer(
            drafts.discount_invoice(invoice_id=self.get_object().pk, line_id=line_id, by=request.user, expected_version=expected, **body)
        )

    @action(detail=True, methods=["post"], url_path="charge-patient")
    @idempotent
    def charge_patient(self, request, *args, **kwargs):
        """What the insurer still owes falls to the patient."""
        body = read(inputs.ReasonInput, request)
        return self.answer(claiming.charge_patient(invoice_id=self.get_object().pk, by=request.user, **body))

    @action(detail=True, methods=["post"])
    @idempotent
    def credit(self, request, *args, **kwargs):
        body = read(inputs.CreditInput, request)
        credit = {"by": request.user, "on": timezone.localdate(), "request_id": request.request_id}
        note = crediting.credit_invoice(invoice_id=self.get_object().pk, **credit, **body)
        return Response(CreditNoteSerializer(selectors.credit_notes(CreditNote.objects).get(pk=note.pk)).data, status=201)

    @action(detail=True, methods=["post"], url_path="credit-returned")
    @idempotent
    def credit_returned(self, request, *args, **kwargs):
        """What came back to the pharmacy and is not credited yet."""
        credit = {"by": request.user, "on": timezone.localdate(), "request_id": request.request_id}
        note = crediting.credit_returned(invoice_id=self.get_object().pk, **credit)
        return Response(CreditNoteSerializer(selectors.credit_notes(CreditNote.objects).get(pk=note.pk)).data, status=201)

    @action(detail=True, methods=["post"])
    @idempotent
    def pay(self, request, *args, **kwargs):
        """{method, amount, tendered?, reference?}; or {parts: [...]} of such, all of them or none."""
        if "parts" in request.data:
            parts = [dict(part) for part in read(inputs.SplitPaymentInput, request)["parts"]]
            made = payments.take_payments(invoice_id=self.get_object().pk, parts=parts, by=request.user, request_id=request.request_id)
            rows = Payment.objects.select_related("invoice").filter(pk__in=[payment.pk for payment in made])
            return Response({"payments": PaymentSerializer(rows, many=True).data}, status=201)
        body = read(inputs.PaymentInput, request)
        payment = payments.take_payment(invoice_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body)
        return Response(PaymentSerializer(Payment.objects.select_related("invoice").get(pk=payment.pk)).data, status=201)

    @action(detail=True, methods=["post"], url_path="apply-deposit")
    @idempotent
    def apply_deposit(self, request, *args, **kwargs):
        """Pay from what the patient paid in advance."""
        body = read(inputs.ApplyInput, request)
        made = deposits.apply_deposits(invoice_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body)
        rows = Payment.objects.select_related("invoice").filter(pk__in=[payment.pk for payment in made]).order_by("id")
        return Response({"payments": PaymentSerializer(rows, many=True).data}, status=201)

    @action(detail=True, methods=["get"], renderer_classes=[PdfRenderer, ORJSONRenderer])
    def pdf(self, request, *args, **kwargs):
        """`?size=` a4, a5 or 80mm."""
        invoice = self.get_object()
        size = documents.size_of(request.query_params.get("size"))
        return documents.pdf_response(documents.invoice_pdf(invoice, size), invoice.title)
