"""Sending the links that were asked for."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from clinic.accounts import locks
from clinic.accounts.models import LinkKind, MailedLink
from clinic.accounts.services.mailed_links import token_of
from clinic.core.db import atomic_with_retry
from clinic.core.mail import UNSENT

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
MOST_AT_ONCE = 50
MOST_ATTEMPTS = 10
_SUBJECTS = {
    LinkKind.SIGN_UP: "Confirm your portal account",
    LinkKind.KNOWN: "You have a portal account already",
    LinkKind.RESET: "Set a new password",
}
_PAGES = {LinkKind.SIGN_UP: "accounts:sign_up_confirm", LinkKind.RESET: "accounts:reset_confirm"}


def send_links(now: datetime) -> int:
    """Send what waits; how many the mail server took. A mail that fails is tried again."""
    return sum(_send(link, now) for link in _claim(now))


@atomic_with_retry
def _claim(now: datetime) -> list[MailedLink]:
    links = locks.lock_unsent_links(now, MOST_AT_ONCE, MOST_ATTEMPTS)
    for link in links:
        link.leased_until, link.attempts = now + LEASE, link.attempts + 1
    MailedLink.objects.bulk_update(links, ["leased_until", "attempts"])
    return links


def _send(link: MailedLink, now: datetime) -> bool:
    """No transaction is open while the mail server is asked."""
    try:
        message_of(link).send()
    except UNSENT:
        logger.warning("link not sent, it is tried again", extra={"link": str(link.public_id)})
        return False
    MailedLink.objects.filter(pk=link.pk).update(sent_at=now, leased_until=None)
    return True


def message_of(link: MailedLink) -> EmailMessage:
    """Without a name: what strangers type into a form is not sent in the clinic's."""
    base = settings.BASE_URL.rstrip("/")
    context = {"clinic_name": settings.CLINIC_NAME, "sign_in": base + reverse("accounts:login"), "reset": base + reverse("accounts:reset")}
    if link.kind in _PAGES:
        context["url"] = base + reverse(_PAGES[link.kind], args=[token_of(link)])
    return EmailMessage(
        subject=_SUBJECTS[link.kind],
        body=render_to_string(f"accounts/mail/{link.kind}.txt", context),
        to=[link.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
