"""One effect and one answer for each Idempotency-Key."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

import orjson
from django.core.files import File
from django.db import connection, transaction
from django.utils import timezone

from clinic.audit.errors import BadIdempotencyKey, KeyReused, RequestInProgress
from clinic.audit.models import AnsweredRequest
from clinic.core.db import atomic_with_retry

KEPT_FOR = timedelta(hours=48)
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_NAMESPACE = UUID("6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11")


@dataclass(frozen=True)
class Answer:
    status: int
    body: str  # JSON
    etag: str = ""


def check_key(key: str) -> str:
    if not _KEY.match(key):
        raise BadIdempotencyKey
    return key


def request_id_of(user, key: str | None) -> UUID:
    """The request_id that services get: the same for the same user and key, else a new one."""
    return uuid5(_NAMESPACE, f"{user.pk}:{key}") if key else uuid4()


def fingerprint_of(method: str, path: str, data) -> str:
    """SHA-256 over method, path and the body with sorted keys; of a file that is sent, over what is in it."""
    body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS, default=_plain)
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


def _plain(value) -> str:
    if not isinstance(value, File):
        return str(value)
    content = hashlib.sha256()
    for chunk in value.chunks():
        content.update(chunk)
    value.seek(0)
    return f"{value.name}:{content.hexdigest()}"


@atomic_with_retry
def answer_once(*, user, key: str, fingerprint: str, run: Callable[[], Answer], refusal_of: Callable[[Exception], Answer | None]) -> Answer:
    """The first answer for this user and key; `run` gives it when there is none yet.

    The effect and its answer commit together, so that a crash leaves both or neither. A refusal is
    an answer too: `refusal_of` turns what `run` raised into one, after its writes were rolled back,
    or returns None for what is to be raised and not kept. Raises RequestInProgress while the first
    request runs, KeyReused when it was another request.
    """
    if not _try_lock(f"{user.pk}:{key}"):
        raise RequestInProgress
    earlier = AnsweredRequest.objects.filter(user=user, key=key).first()
    if earlier:
        if earlier.fingerprint != fingerprint:
            raise KeyReused
        return Answer(earlier.status, earlier.body, earlier.etag)
    try:
        with transaction.atomic():
            answer = run()
    except Exception as error:
        answer = refusal_of(error)
        if answer is None:
            raise
    AnsweredRequest.objects.create(user=user, key=key, fingerprint=fingerprint, status=answer.status, body=answer.body, etag=answer.etag)
    return answer


def _try_lock(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 28))", [name])
        return cursor.fetchone()[0]


def forget_old_answers() -> int:
    """Delete answers older than KEPT_FOR; the number deleted."""
    return AnsweredRequest.objects.filter(answered_at__lt=timezone.now() - KEPT_FOR).delete()[0]
