"""The queue over the API: arrivals, calls, states."""

from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from clinic.core.http import etag_of, expected_version
from scheduling.api.serializers import CheckInInput, NextInput, PriorityInput, QueueFilter, QueueOwnerInput, StatusInput, WalkInInput
from scheduling.models import Token
from scheduling.permissions import CALL_TOKENS, CHANGE_TOKENS, ISSUE_TOKENS, TRIAGE_TOKENS, VIEW_QUEUE
from scheduling.selectors.queue import queue_rows, token_json, token_row, tokens_on
from scheduling.services import queueing
from scheduling.services.queues import queue_of
from scheduling.services.transfers import transfer_token


def answer(token: Token, status: int = 200) -> Response:
    row = token_row(token.pk)
    return Response(token_json(row), status=status, headers={"ETag": etag_of(row["version"])})


class QueueViewSet(GenericViewSet):
    action_permissions = {
        "check_in": ISSUE_TOKENS,
        "walk_in": ISSUE_TOKENS,
        "today": VIEW_QUEUE,
        "next": CALL_TOKENS,
        "status": CHANGE_TOKENS,
        "undo": CHANGE_TOKENS,
        "priority": TRIAGE_TOKENS,
        "transfer": CHANGE_TOKENS,
    }
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    serializer_class = StatusInput

    def get_queryset(self):
        return Token.objects.visible_to(self.request.user)

    @action(detail=False, methods=["post"], url_path="check-in")
    @idempotent
    def check_in(self, request):
        body = CheckInInput(data=request.data, context={"user": request.user})
        body.is_valid(raise_exception=True)
        token = queueing.check_in(
            appointment_id=body.validated_data["appointment"].pk,
            priority=body.validated_data["priority"],
            by=request.user,
            now=timezone.now(),
            request_id=request.request_id,
        )
        return answer(token, status=201)

    @action(detail=False, methods=["post"], url_path="walk-in")
    @idempotent
    def walk_in(self, request):
        body = WalkInInput(data=request.data, context={"user": request.user})
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        doctor, department = wanted.get("doctor"), wanted.get("department")
        token = queueing.walk_in(
            patient_id=wanted["patient"].pk,
            doctor_id=doctor.pk if doctor else None,
            department_id=department.pk if department else None,
            priority=wanted["priority"],
            reason=wanted["reason"],
            by=request.user,
            now=timezone.now(),
            request_id=request.request_id,
        )
        return answer(token, status=201)

    @action(detail=False)
    def today(self, request):
        """All of today's tokens of the queue, those inside first, then the waiting in their order. A patient sees the own ones."""
        filters = QueueFilter(data=request.query_params)
        filters.is_valid(raise_exception=True)
        rows = queue_rows(tokens_on(timezone.localdate(), **filters.validated_data))
        if request.user.is_only_patient:
            rows = [row for row in rows if row["patient__user_id"] == request.user.pk]
        return Response({"count": len(rows), "next": None, "previous": None, "results": [token_json(row) for row in rows]})

    @action(detail=False, methods=["post"])
    @idempotent
    def next(self, request):
        body = NextInput(data=request.data)
        body.is_valid(raise_exception=True)
        room = body.validated_data.pop("room")
        queue = queue_of(**body.validated_data)
        token = queueing.call_next(queue_id=queue.pk, room=room, by=request.user, now=timezone.now(), request_id=request.request_id)
        return answer(token)

    @action(detail=True, methods=["patch"])
    def status(self, request, public_id):
        body = StatusInput(data=request.data)
        body.is_valid(raise_exception=True)
        token = queueing.change_status(
            token_id=self.get_object().pk,
            to=body.validated_data["status"],
            room=body.validated_data.get("room"),
            by=request.user,
            now=timezone.now(),
            expected_version=expected_version(request),
        )
        return answer(token)

    @action(detail=True, methods=["post"])
    @idempotent
    def priority(self, request, public_id):
        body = PriorityInput(data=request.data)
        body.is_valid(raise_exception=True)
        token = queueing.change_priority(
            token_id=self.get_object().pk, by=request.user, now=timezone.now(), request_id=request.request_id, **body.validated_data
        )
        return answer(token)

    @action(detail=True, methods=["post"])
    @idempotent
    def transfer(self, request, public_id):
        """To another queue: the answer is the new token."""
        body = QueueOwnerInput(data=request.data)
        body.is_valid(raise_exception=True)
        owner = {f"{name}_id": row.pk for name, row in body.validated_data.items() if row}
        token = transfer_token(token_id=self.get_object().pk, by=request.user, now=timezone.now(), request_id=request.request_id, **owner)
        return answer(token, status=201)

    @action(detail=True, methods=["post"])
    @idempotent
    def undo(self, request, public_id):
        token = queueing.undo_last_change(token_id=self.get_object().pk, by=request.user, now=timezone.now(), request_id=request.request_id)
        return answer(token)
