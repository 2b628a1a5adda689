"""Who takes a patient's money online, on pages of its own: no card data comes near the clinic.

A provider sends the patient back when it is done, and tells the clinic by a signed event. The event
alone moves money: a browser's way back proves nothing.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from billing.errors import NoOnlinePayment, UntrustedEvent

TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Paid:
    """The provider took money; `reference` is the public id of the OnlinePayment."""

    event_id: str
    reference: UUID
    amount: Decimal
    currency: str


class Provider(Protocol):
    name: str

    def page_of(self, online) -> str:
        """The address of the page on which the patient pays."""

    def read_event(self, headers, body: bytes, *, now: datetime) -> Paid:
        """What a signed event says. Raises UntrustedEvent."""


def provider() -> Provider:
    """The one that the settings name. Raises NoOnlinePayment without one."""
    if not settings.PAYMENT_PROVIDER:
        raise NoOnlinePayment
    return import_string(settings.PAYMENT_PROVIDER)()


class TestProvider:
    """Takes no money: for demos and tests. It signs as real ones do: HMAC-SHA256 over the time and the body."""

    __test__ = False  # no test class, whatever pytest thinks of the name
    name = "test"
    header = "Payment-Signature"

    def page_of(self, online) -> str:
        return reverse("billing:test_provider", args=[online.public_id])

    def read_event(self, headers, body: bytes, *, now: datetime) -> Paid:
        at, _, signature = headers.get(self.header, "").partition(",")
        if not hmac.compare_digest(self.signature_of(at, body).encode(), signature.encode()):
            raise UntrustedEvent
        if not at.isdecimal() or abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
            raise UntrustedEvent("The event is too old, or the clocks differ.")
        return _paid_from(body)

    def signed(self, paid: dict, *, now: datetime) -> tuple[dict[str, str], bytes]:
        """(headers, body) of an event as this provider sends it."""
        body, at = json.dumps(paid).encode(), str(int(now.timestamp()))
        return {self.header: f"{at},{self.signature_of(at, body)}"}, body

    def signature_of(self, at: str, body: bytes) -> str:
        return hmac.new(settings.PAYMENT_WEBHOOK_SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


def _paid_from(body: bytes) -> Paid:
    try:
        event = json.loads(body)
        amount = Decimal(event["amount"])
        if not (amount.is_finite() and 0 < amount < 10**10 and amount == round(amount, 2) and 0 < len(event["id"]) <= 100):
            raise UntrustedEvent("The event cannot be read.")
        return Paid(event["id"], UUID(event["reference"]), amount, str(event["currency"])[:3])
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise UntrustedEvent("The event cannot be read.") from error
