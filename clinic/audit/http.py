"""Refusals over the API: in problem details, and in the audit."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from clinic.audit.services.recording import record
from clinic.core.errors import DomainError
from clinic.core.http import problem, problem_of

_CODES = {
    status.HTTP_400_BAD_REQUEST: "invalid",
    status.HTTP_401_UNAUTHORIZED: "not_authenticated",
    status.HTTP_403_FORBIDDEN: "permission_denied",
    status.HTTP_404_NOT_FOUND: "not_found",
    status.HTTP_405_METHOD_NOT_ALLOWED: "method_not_allowed",
    status.HTTP_406_NOT_ACCEPTABLE: "not_acceptable",
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    status.HTTP_423_LOCKED: "session_locked",
    status.HTTP_429_TOO_MANY_REQUESTS: "throttled",
}


def problem_handler(error: Exception, context: dict) -> Response | None:
    """DRF's exception handler: every refusal as problem details; None for what is no refusal."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = exceptions.ParseError("This request is too large.")
    if isinstance(error, DomainError):
        body, headers = problem_of(error), {"Retry-After": "2"} if error.status == 503 else {}
    elif isinstance(error, exceptions.APIException):
        body, headers = _problem_of_api(error), _headers_of(error)
    else:
        return None
    set_rollback()
    record_refusal(context["request"], body["status"], body["code"])
    response = Response(body, status=body["status"], headers=headers)
    response.is_problem = True
    return response


def record_refusal(request, status_code: int, code: str) -> None:
    """Audit a refused request: who, which method and route, which code. Never what was sent."""
    match = getattr(request, "resolver_match", None)
    record(
        action="request.refused",
        actor=getattr(request, "user", None),
        changes={"method": request.method, "route": match.route if match else "", "status": status_code, "code": code},
    )


def _problem_of_api(error: exceptions.APIException) -> dict:
    code = _CODES.get(error.status_code, "error")
    if isinstance(error, exceptions.AuthenticationFailed):
        code = error.get_codes() if isinstance(error.get_codes(), str) else code
    if isinstance(error, exceptions.ValidationError):
        errors = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return problem(status=error.status_code, code=code, detail="Some fields need attention.", errors=errors)
    return problem(status=error.status_code, code=code, detail=str(error.detail))


def _headers_of(error: exceptions.APIException) -> dict:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    return headers
