"""Claims to insurers."""

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing import documents, selectors
from billing.api.filters import ClaimFilter, within
from billing.api.inputs import ClaimAnswerInput, ClaimInput, PayerInput, RemittanceInput, read
from billing.models import Claim, ClaimBatch
from billing.permissions import MANAGE_CLAIMS
from billing.services import claiming
from billing.services.remittance import import_remittance
from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin, HasActionPermission


class ClaimSerializer(serializers.ModelSerializer):
    """Needs `selectors.claims_for_list`."""

    id = serializers.UUIDField(source="public_id")
    invoice = serializers.UUIDField(source="invoice.public_id")
    invoice_number = serializers.CharField(source="invoice.number")
    patient = serializers.UUIDField(source="invoice.patient.public_id")
    patient_name = serializers.CharField(source="invoice.patient.full_name")
    payer = serializers.CharField(source="invoice.payer")
    batch = serializers.UUIDField(source="batch.public_id", allow_null=True, default=None)

    class Meta:
        model = Claim
        fields = [
            "id", "number", "status", "invoice", "invoice_number", "patient", "patient_name", "payer", "batch", "amount", "answered",
            "reason", "submitted_at", "answered_at", "version",
        ]  # fmt: skip


class ClaimViewSet(EtagMixin, ListModelMixin, GenericViewSet):
    """Claims, newest first. POST {invoice} claims what its insurer owes."""

    permission_classes = [HasActionPermission]
    action_permissions = dict.fromkeys(["list", "retrieve", "create", "answer", "batch", "batch_csv", "remittance"], MANAGE_CLAIMS)
    serializer_class = ClaimSerializer
    queryset = Claim.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self):
        claims = selectors.claims_for_list(Claim.objects.visible_to(self.request.user))
        if self.action != "list":
            return claims
        asked = ClaimFilter.of(self.request)
        columns = {"invoice": "invoice__public_id", "patient": "invoice__patient__public_id", "payer": "invoice__payer", "status": "status"}
        claims = claims.filter(**{column: asked[name] for name, column in columns.items() if name in asked})
        return within(claims, "submitted_at", asked)

    def answer_with(self, claim: Claim, status: int = 200) -> Response:
        return self.versioned_response(selectors.claims_for_list(Claim.objects).get(pk=claim.pk), status)

    @idempotent
    def create(self, request, *args, **kwargs):
        invoice = read(ClaimInput, request)["invoice"]
        return self.answer_with(claiming.submit_claim(invoice_id=invoice.pk, by=request.user), 201)

    @action(detail=True, methods=["post"])
    @idempotent
    def answer(self, request, *args, **kwargs):
        """What the insurer says: {status: accepted, rejected or paid, amount?, reason?, reference?}."""
        body = read(ClaimAnswerInput, request)
        return self.answer_with(claiming.answer_claim(claim_id=self.get_object().pk, by=request.user, **body))

    @action(detail=False, methods=["post"])
    @idempotent
    def batch(self, request, *args, **kwargs):
        """Claim all that a payer was not asked for yet."""
        payer = read(PayerInput, request)["payer"]
        made = claiming.submit_batch(payer=payer, by=request.user, request_id=request.request_id)
        claims = selectors.claims_for_list(Claim.objects.filter(batch=made))
        return Response({"id": str(made.public_id), "payer": made.payer, "claims": ClaimSerializer(claims, many=True).data}, status=201)

    @action(detail=False, methods=["get"], url_path="batches/<uuid:batch>/csv")
    def batch_csv(self, request, batch, *args, **kwargs):
        return documents.claims_file(get_object_or_404(ClaimBatch, public_id=batch))

    @action(detail=False, methods=["post"])
    @idempotent
    def remittance(self, request, *args, **kwargs):
        """{csv, dry_run}: what became, or with dry_run would become, of each row."""
        body = read(RemittanceInput, request)
        fates = import_remittance(text=body["csv"], dry_run=body["dry_run"], by=request.user)
        return Response({"dry_run": body["dry_run"], "rows": [vars(fate) for fate in fates]})
