"""What views of pages share."""

import functools
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied


def permission_required_page(*codenames: str):
    """Decorate a page's view: a signed-in person needs one of the codenames, else 403 (audited by the middleware)."""

    def decorate(view):
        @functools.wraps(view)
        def run(request, *args, **kwargs):
            if not any(request.user.has_perm(code) for code in codenames):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return run

    return decorate


def posted_request_id(request) -> UUID:
    """The form's `request_id`, which makes a second press of the button harmless; a new one when it is missing or damaged."""
    try:
        return UUID(request.POST.get("request_id", ""))
    except ValueError:
        return uuid4()


def refusal_status(request, refusal) -> int:
    """The status of a page that shows a refusal: htmx swaps on 422 only, other clients get the true status."""
    return 422 if request.htmx else refusal.status
