"""Credit notes."""

from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.viewsets import GenericViewSet

from billing import selectors
from billing.api.filters import CreditNoteFilter, within
from billing.api.serializers import CreditNoteSerializer
from billing.models import CreditNote
from billing.permissions import VIEW_INVOICE
from clinic.core.api import HasActionPermission


class CreditNoteViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """Credit notes, newest first. They are written at invoices/{id}/credit/."""

    permission_classes = [HasActionPermission]
    action_permissions = {"list": VIEW_INVOICE, "retrieve": VIEW_INVOICE}
    serializer_class = CreditNoteSerializer
    queryset = CreditNote.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self):
        found = selectors.credit_notes(CreditNote.objects.visible_to(self.request.user))
        if self.action != "list":
            return found
        asked = CreditNoteFilter.of(self.request)
        columns = {"invoice": "invoice__public_id", "patient": "invoice__patient__public_id"}
        found = found.filter(**{column: asked[name] for name, column in columns.items() if name in asked})
        return within(found, "issued_at", asked)
