"""What a paper's QR code leads to: a page for anybody that says whether the prescription holds, and nothing about a person."""

import logging
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clinic.accounts.origin import address_of
from clinic.core.redis import RedisDown
from pharmacy.errors import TooManyLookups
from pharmacy.selectors.verifying import paper_of
from pharmacy.stores import count_lookup

MOST_LOOKUPS = 30  # a minute and address; codes are of 122 random bits, so this only spares the database
logger = logging.getLogger(__name__)


@login_not_required
@never_cache
@require_safe
def verify(request, code: UUID):
    """Public, for whoever holds the paper. No names and no medicines: they stand on the paper."""
    _spare_the_database(address_of(request))
    paper = get_object_or_404(paper_of(code))
    response = render(request, "pharmacy/verify.html", {"paper": paper, "state": paper.state_on(timezone.localdate())})
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    response["X-Robots-Tag"] = "noindex"
    return response


def _spare_the_database(address: str) -> None:
    """Raise TooManyLookups. Without Redis everybody gets an answer."""
    try:
        if count_lookup(address) > MOST_LOOKUPS:
            raise TooManyLookups
    except RedisDown:
        logger.warning("lookups are not counted: redis is down")
