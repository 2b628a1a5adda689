"""What the pages of scheduling share."""

from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from clinic.core.errors import DomainError
from clinic.core.pages import refusal_status

FIRST_DATE, LAST_DATE = date(1900, 1, 1), date(2200, 1, 1)


def refused(refusal: DomainError) -> dict:
    """For a page that shows a refusal in place: its words. The status is `status_of(request, refusal)`."""
    words = [refusal.detail] if not refusal.errors else [message for messages in refusal.errors.values() for message in messages]
    return {"refusal": " ".join(words)}


status_of = refusal_status


def asked_date(request: HttpRequest, name: str = "date") -> date:
    """The day that the address asks for; today when it asks for none, or for nonsense."""
    try:
        asked = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return timezone.localdate()
    return asked if FIRST_DATE < asked < LAST_DATE else timezone.localdate()


def asked_id(request: HttpRequest, name: str) -> UUID | None:
    try:
        return UUID(request.GET.get(name) or request.POST.get(name) or "")
    except ValueError:
        return None


def back_to(request: HttpRequest, default: str, *args):
    """A redirect to the form's `next` when it is a page of ours, else to the named page."""
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return redirect(wanted)
    return redirect(default, *args)


def url_with(name: str, *args, **query) -> str:
    wanted = urlencode({key: value for key, value in query.items() if value})
    return f"{reverse(name, args=args)}?{wanted}" if wanted else reverse(name, args=args)
