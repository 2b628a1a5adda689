"""What views of pages share."""

import functools
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied

from clinic.core.policy import PUBLIC, SIGNED_IN, Policy, needs, staff_with

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def page_for(policy: Policy, *, writing: Policy | None = None):
    """Decorate a page's view: who is not let in gets 403 (audited by the middleware).

    `writing` is the policy of a POST where it differs. The view carries both, so that routes can be walked.
    """

    def decorate(view):
        @functools.wraps(view)
        def run(request, *args, **kwargs):
            if not policy_of_page(run, request.method).lets_in(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        run.policies = (policy, writing or policy)
        return run

    return decorate


def policy_of_page(view, method: str) -> Policy | None:
    """What the view declares for the method; None when it declares nothing."""
    if not getattr(view, "login_required", True):
        return PUBLIC
    if not hasattr(view, "policies"):
        return None
    reading, writing = view.policies
    return reading if method in SAFE_METHODS else writing


def permission_required_page(*codenames: str, writing: str = ""):
    """A signed-in person needs one of the codenames; for a POST `writing`, where it is given."""
    return page_for(needs(*codenames), writing=needs(writing) if writing else None)


def staff_page(*codenames: str):
    """As permission_required_page, for pages that show other people's rows: never for a patient alone."""
    return page_for(staff_with(*codenames))


signed_in_page = page_for(SIGNED_IN)


def posted_request_id(request) -> UUID:
    """The form's `request_id`, which makes a second press of the button harmless; a new one when it is missing or damaged."""
    try:
        return UUID(request.POST.get("request_id", ""))
    except ValueError:
        return uuid4()


def posted_version(request) -> int | None:
    """The version of the row that the form showed; None when it is missing or damaged."""
    version = request.POST.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 10 else None


def refusal_status(request, refusal) -> int:
    """The status of a page that shows a refusal: htmx swaps on 422 only, other clients get the true status.

    The request keeps the refusal, for the audit's middleware.
    """
    request.refusal = refusal
    return 422 if request.htmx else refusal.status


def say_refusal(request, refusal) -> None:
    """For a page that goes elsewhere, and says there why nothing was done."""
    request.refusal = refusal
    said = [words for each in (refusal.errors or {}).values() for words in each]
    messages.error(request, " ".join(said) or refusal.detail)
