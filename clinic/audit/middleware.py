from django.core.exceptions import PermissionDenied
from django.shortcuts import render

from clinic.audit.http import record_refusal
from clinic.core.errors import DomainError
from clinic.core.http import wants_json


class RefusalMiddleware:
    """A refusal that a page's view did not show in place becomes a page of its own; it is audited either way.

    A view that shows one in place asks `refusal_status`, which leaves the refusal on the request.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if refusal := getattr(request, "refusal", None):
            record_refusal(request, refusal.status, refusal.code)
        return response

    def process_exception(self, request, exception):
        if wants_json(request):
            return None
        if isinstance(exception, PermissionDenied):
            record_refusal(request, 403, "permission_denied")
            return None
        if isinstance(exception, DomainError):
            record_refusal(request, exception.status, exception.code)
            return render(request, "refused.html", {"refusal": exception.detail, "status": exception.status}, status=exception.status)
        return None
