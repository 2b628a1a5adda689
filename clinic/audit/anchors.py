"""Where the head of the chain is written down outside PostgreSQL: a collection of MongoDB, and a file if one is named.

An anchor says: at that time the chain had this many events, and the last one bore this seal. Anchors are only
ever added. What is cut off the chain, or sealed anew, contradicts them.
"""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from clinic.core import mongo

logger = logging.getLogger(__name__)

COLLECTION = "audit_anchors"
_TAIL_BYTES = 256


def leave(*, sequence: int, seal: str) -> None:
    """Anchor the head in each place. A place that cannot be written is logged; the next head finds it again."""
    try:
        _leave_in_mongodb(sequence, seal)
    except mongo.MongoDown:
        logger.info("mongodb is down, the head is not anchored there")
    if path := settings.AUDIT_ANCHOR_FILE:
        try:
            _leave_in_file(path, sequence, seal)
        except OSError:
            logger.exception("the head cannot be anchored in the file")


@mongo.guarded
def _leave_in_mongodb(sequence: int, seal: str) -> None:
    # Only where there is none: an anchor is never replaced.
    first = {"$setOnInsert": {"seal": seal, "at": datetime.now(UTC)}}
    mongo.database()[COLLECTION].update_one({"_id": sequence}, first, upsert=True)


def _leave_in_file(path: Path, sequence: int, seal: str) -> None:
    with path.open("ab+") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        last = file.read().decode(errors="replace").splitlines()[-1:]
        if last and last[0].split()[:1] == [str(sequence)]:
            return
        file.write(f"{sequence} {seal} {datetime.now(UTC).isoformat()}\n".encode())
        file.flush()
        os.fsync(file.fileno())


@mongo.guarded
def in_mongodb() -> dict[int, str]:
    """{sequence: seal}. Raises MongoDown."""
    return {anchor["_id"]: str(anchor.get("seal")) for anchor in mongo.database()[COLLECTION].find({}, {"seal": 1})}


def in_file() -> Iterator[tuple[int, str]]:
    """(sequence, seal) of each line; a line that is none of ours is (0, the line). Raises OSError."""
    if settings.AUDIT_ANCHOR_FILE is None or not settings.AUDIT_ANCHOR_FILE.exists():
        return
    for line in settings.AUDIT_ANCHOR_FILE.read_text(errors="replace").splitlines():
        words = line.split()
        yield (int(words[0]), words[1]) if len(words) >= 2 and words[0].isdigit() else (0, line[:80])
