"""The cashiers' shifts."""

from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing import selectors
from billing.api.filters import ShiftFilter, within
from billing.api.inputs import CountInput, HandoverInput, ShiftInput, read
from billing.api.serializers import ShiftSerializer
from billing.models import Shift
from billing.permissions import OVERSEE_SHIFTS, WORK_SHIFT
from billing.services import shifts
from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin, HasActionPermission


class ShiftViewSet(EtagMixin, ListModelMixin, GenericViewSet):
    """Shifts: the own ones; all for who oversees the drawers."""

    permission_classes = [HasActionPermission]
    action_permissions = {
        "list": (WORK_SHIFT, OVERSEE_SHIFTS),
        "retrieve": (WORK_SHIFT, OVERSEE_SHIFTS),
        "create": WORK_SHIFT,
        "close": (WORK_SHIFT, OVERSEE_SHIFTS),
        "hand_over": (WORK_SHIFT, OVERSEE_SHIFTS),
    }
    serializer_class = ShiftSerializer
    queryset = Shift.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self):
        found = selectors.shifts_for_list(Shift.objects.visible_to(self.request.user))
        if self.action != "list":
            return found
        asked = ShiftFilter.of(self.request)
        if "status" in asked:
            found = found.filter(closed_at__isnull=asked["status"] == "open")
        return within(found, "opened_at", asked)

    def get_serializer(self, *args, **kwargs):
        shown = args[0] if args else []  # the browsable pages ask for an empty one
        shown = [shown] if isinstance(shown, Shift) else list(shown)
        context = self.get_serializer_context() | {"expected": selectors.expected_in_each(shown)}
        return ShiftSerializer(*args, **kwargs, context=context)

    def answer(self, shift: Shift, status: int = 200) -> Response:
        return self.versioned_response(selectors.shifts_for_list(Shift.objects).get(pk=shift.pk), status)

    @idempotent
    def create(self, request, *args, **kwargs):
        body = read(ShiftInput, request)
        return self.answer(shifts.open_shift(by=request.user, request_id=request.request_id, **body), 201)

    @action(detail=True, methods=["post"])
    @idempotent
    def close(self, request, *args, **kwargs):
        body = read(CountInput, request)
        return self.answer(shifts.close_shift(shift_id=self.get_object().pk, by=request.user, **body))

    @action(detail=True, methods=["post"], url_path="hand-over")
    @idempotent
    def hand_over(self, request, *args, **kwargs):
        """Close it, and open the shift of `to` with the cash that was counted."""
        body = read(HandoverInput, request)
        return self.answer(
            shifts.hand_over_shift(shift_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body), 201
        )
