"""Keeping Redis' picture of the queue like PostgreSQL's rows. Without Redis everything goes on."""

import logging
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F

from clinic.core.redis import RedisDown
from scheduling import stores
from scheduling.models import Queue, Token, TokenStatus
from scheduling.stores import LiveToken

_SHOWN = ("public_id", "on", "number", "status", "priority", "room", "version", "turn_at")

logger = logging.getLogger(__name__)


def project_later(token: Token) -> None:
    """Show the token's new state in Redis once it is committed. `queue` and `patient` are read along."""
    live = _live(token.queue.code, token.patient.public_id, token)
    transaction.on_commit(partial(_write, live))


def rebuild(on: date) -> int:
    """Write the day's queues anew; the number of queues. Raises RedisDown."""
    queues = _tokens_by_queue(on)
    for code, tokens in queues.items():
        stores.rewrite_queue(code, on, tokens)
    return len(queues)


def heal(on: date) -> int:
    """Write anew the queues that Redis has otherwise than PostgreSQL, e.g. after a flush; their number.

    Running it twice is harmless. Raises RedisDown.
    """
    differing = differing_queues(on)
    for code, tokens in differing.items():
        stores.rewrite_queue(code, on, tokens)
    if differing:
        logger.info("live queues rewritten", extra={"queues": len(differing)})
    return len(differing)


def differing_queues(on: date) -> dict[str, list[LiveToken]]:
    """The queues that Redis has otherwise than PostgreSQL, as they should be. Raises RedisDown."""
    return {code: tokens for code, tokens in _tokens_by_queue(on).items() if _differs(code, on, tokens)}


def _write(live: LiveToken) -> None:
    try:
        stores.write_token(live)
    except RedisDown:
        logger.info("live queue not updated, it will be healed")


def _tokens_by_queue(on: date) -> dict[str, list[LiveToken]]:
    """Every queue is there, an empty one too: Redis may remember what PostgreSQL does not have."""
    queues: dict[str, list[LiveToken]] = defaultdict(list, {code: [] for code in Queue.objects.values_list("code", flat=True)})
    shown = Token.objects.annotate(code=F("queue__code"), person=F("patient__public_id")).only(*_SHOWN)
    for token in shown.filter(on=on).order_by("queue_id", "number"):
        queues[token.code].append(_live(token.code, token.person, token))
    return queues


def _differs(code: str, on: date, tokens: list[LiveToken]) -> bool:
    waiting = [t.number for t in sorted(tokens, key=lambda t: (t.score, t.number)) if t.status == TokenStatus.WAITING]
    current = {t.number: t.room for t in tokens if t.status in {TokenStatus.CALLED, TokenStatus.IN_SERVICE}}
    last = max((t.number for t in tokens), default=0)
    return stores.queue_state(code, on) != (waiting, last, current) or not stores.shows_versions(tokens)


def _live(code: str, patient_id, token: Token) -> LiveToken:
    return LiveToken(
        queue=code,
        on=token.on,
        number=token.number,
        id=str(token.public_id),
        patient=str(patient_id),
        status=str(token.status),
        priority=str(token.priority),
        room=token.room,
        version=token.version,
        score=_score(token.turn_at, token.on),
    )


def _score(turn_at: datetime, on: date) -> int:
    """Orders one day's tokens as turn_at does, to the microsecond as PostgreSQL keeps it; exact in a double."""
    long_before = datetime.combine(on, time.min, tzinfo=UTC) - timedelta(days=4)  # before an emergency's, in any time zone
    return (turn_at - long_before) // timedelta(microseconds=1)
