from django.contrib import auth
from django.utils.cache import add_never_cache_headers

from clinic.accounts.errors import SessionLocked
from clinic.accounts.services.idling import end_idle_session
from clinic.accounts.views import locked_page
from clinic.core.http import problem_response, wants_json


class NoStoreMiddleware:
    """What a signed-in person sees stays in no cache (the browser's back button included)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        signed_in = "Authorization" in request.headers or request.user.is_authenticated
        if signed_in and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class IdleMiddleware:
    """Locks a browser that nobody used for a while, and signs it out after a longer one.

    Public pages stay open. The API asks in its own authentication: a bearer token has a life of its own.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if auth.SESSION_KEY in request.session:
            if request.session.has_ended:
                end_idle_session(session_key=request.session.session_key, user=request.user)
                auth.logout(request)
            elif is_by_person(request):
                request.session.seen()
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        stays_open = not getattr(view, "login_required", True) or getattr(view, "answers_while_locked", False)
        if stays_open or auth.SESSION_KEY not in request.session or not request.session.is_locked:
            return None
        request.refusal = SessionLocked()
        if not _opens_a_page(request):
            return problem_response(request.refusal)
        return locked_page(request, request.refusal, then=request.get_full_path() if request.method == "GET" else "")


def is_by_person(request) -> bool:
    """Whether somebody opened a page or sent a form; not what scripts ask for, nor a page that reloads itself.

    What people do within a page its script reports, see static/js/lock.js.
    """
    reloads_itself = "Sec-Fetch-Mode" in request.headers and "Sec-Fetch-User" not in request.headers
    return _opens_a_page(request) and not reloads_itself


def _opens_a_page(request) -> bool:
    return "text/html" in request.headers.get("Accept", "") and not request.htmx and not wants_json(request)
