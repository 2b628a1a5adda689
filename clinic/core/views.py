"""Pages of last resort, and the health endpoints."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.template import loader
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.views import APIView

from clinic.core import health
from clinic.core.db import is_database_down
from clinic.core.errors import Busy, DomainError, NotFound
from clinic.core.http import problem_response, wants_json


class ServerError(DomainError):
    code = "server_error"
    status = 500
    detail = "Something went wrong on our side. It has been logged; nothing of yours was shown to anyone."


class DatabaseDown(DomainError):
    code = "database_down"
    status = 503
    detail = "The clinic's database cannot be reached. Nothing was saved; please try again in a moment."


def server_error(request):
    """What an unhandled exception becomes: 503 when PostgreSQL is away or overloaded, else 500."""
    error = sys.exc_info()[1]
    refusal: DomainError = ServerError()
    if isinstance(error, OperationalError | InterfaceError):
        refusal = DatabaseDown() if is_database_down(error) else Busy()
    if wants_json(request):
        return problem_response(refusal)
    # Without context processors: they ask the database.
    page = loader.render_to_string(f"{refusal.status}.html", {"detail": refusal.detail})
    response = HttpResponse(page, status=refusal.status)
    if refusal.status == 503:
        response["Retry-After"] = "2"
    return response


def page_not_found(request, exception=None):
    if wants_json(request):
        return problem_response(NotFound())
    return HttpResponse(loader.render_to_string("404.html", request=request), status=404)


class UnknownEndpoint(APIView):
    """404 in problem details, whoever asks and by whatever method; an APIView, since those ask for no CSRF token."""

    schema = None

    def dispatch(self, request, *args, **kwargs):
        return problem_response(NotFound("There is no such endpoint."))


@login_not_required
@never_cache
@require_safe
def healthz(request):
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request):
    """Each store: ok, degraded or down. 200 while the clinic can work, which needs PostgreSQL only."""
    stores = health.check_stores()
    ready = stores["postgresql"] == "ok"
    response = JsonResponse({"status": "ok" if ready else "down", "stores": stores}, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = "2"
    return response
