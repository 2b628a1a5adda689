from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse
from django.urls import reverse

from clinic.audit.http import record_refusal
from clinic.core.http import wants_json
from patients.errors import BreakGlassRequired
from patients.views.access import ask_for_reason


class BreakGlassMiddleware:
    """A page that would open a restricted chart asks for the reason first, wherever the chart is read."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, BreakGlassRequired) or wants_json(request):
            return None
        record_refusal(request, exception.status, exception.code)
        if not request.htmx:
            return ask_for_reason(request, exception.extra["patient"], then=request.path if request.method == "GET" else "")
        # htmx leaves a 403 as it is: the whole page goes and asks.
        asking = reverse("patients:break_glass", args=[exception.extra["patient"]])
        then = urlsplit(request.htmx.current_url or "").path
        return HttpResponse(status=403, headers={"HX-Redirect": f"{asking}?{urlencode({'then': then})}"})
