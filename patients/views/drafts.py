"""What is typed into a consultation and not saved yet: the page's script sends it here."""

import base64
from uuid import UUID

import orjson
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_http_methods

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.http import problem_response
from clinic.core.pages import permission_required_page
from clinic.core.together import Reader
from patients import permissions
from patients.errors import OtherPerson
from patients.models import ConsultationDraft, Encounter
from patients.services import drafts
from patients.services.access import check_chart_open

LARGEST = 1_000_000  # bytes


@require_http_methods(["POST", "DELETE"])
@permission_required_page(permissions.RECORD_VITALS, permissions.WRITE_ENCOUNTER)
def draft(request, encounter: UUID):
    """POST {author, version, values} keeps it, and answers {version}; DELETE lets go of it."""
    row = get_object_or_404(Encounter.objects.visible_to(request.user).select_related("patient"), public_id=encounter)
    try:
        check_chart_open(patient=row.patient, by=request.user)
        if request.method == "DELETE":
            drafts.discard_draft(encounter_id=row.pk, by=request.user)
            return HttpResponse(status=204)
        kept = drafts.save_draft(encounter_id=row.pk, by=request.user, **_read(request))
    except DomainError as refusal:
        return problem_response(refusal)
    return JsonResponse({"version": kept.version})


def _read(request) -> dict:
    """{version, values} of the request. Raises InvalidInput, and OtherPerson when the page was drawn for someone else."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        raise InvalidInput("This is too much to keep.")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("Send JSON.") from error
    version = body.get("version") if isinstance(body, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput(errors={"version": ["Give the version that was kept last, 0 for none."]})
    if body.get("author") != str(request.user.public_id):
        raise OtherPerson
    return {"version": version, "values": body.get("values")}


def draft_context(encounter: Encounter, user) -> Reader:
    """What the page's script starts with. `key` encrypts what it keeps in the browser: of this person and visit alone."""
    rows = ConsultationDraft.objects.filter(encounter=encounter, author=user)
    yield [rows]
    kept = next(iter(rows), None)
    key = salted_hmac("patients.views.drafts", f"{user.public_id}:{encounter.public_id}", algorithm="sha256").digest()
    return {
        "url": reverse("patients:draft", args=[encounter.public_id]),
        "person": user.public_id,
        "visit": encounter.public_id,
        "key": base64.b64encode(key).decode(),
        "version": kept.version if kept else 0,
        "values": orjson.dumps(kept.values if kept else {}).decode(),
        "is_open": encounter.is_open,
    }
