"""Visits: the patients app's, and where they come from."""

from clinic.audit.api import idempotent
from patients.api.visits import VisitViewSet as RecordViewSet
from patients.permissions import START_ENCOUNTER
from scheduling.api.serializers import VisitInput
from scheduling.services.visits import open_before_call, start_visit


class VisitViewSet(RecordViewSet):
    """POST starts a visit from an appointment, a token, or a patient and a doctor; twice gives the same one."""

    action_permissions = RecordViewSet.action_permissions | {"create": START_ENCOUNTER}
    lookup_value_converter = "uuid"

    @idempotent
    def create(self, request):
        body = VisitInput(data=request.data, context={"user": request.user})
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        sources = {f"{name}_id": wanted[name].pk for name in ("appointment", "token", "patient", "doctor") if wanted.get(name)}
        if wanted["before_call"]:
            sources = {name: sources[name] for name in ("token_id", "doctor_id") if name in sources}
            encounter = open_before_call(by=request.user, request_id=request.request_id, **sources)
        else:
            encounter = start_visit(by=request.user, reason=wanted["reason"], request_id=request.request_id, **sources)
        return self.versioned_response(self.get_queryset().get(pk=encounter.pk), status=201)
