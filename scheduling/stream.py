"""The board's event stream: one small ASGI application in a process of its own (clinic/asgi.py).

It says that something changed, never what: the browser then fetches the board like anybody else. A
change is heard of through Redis, and seen in PostgreSQL within a second when Redis does not tell.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from clinic.core.redis import RedisDown
from scheduling import stores
from scheduling.selectors.console import latest_changes

PATH = "/events/board"
MOST_CLIENTS = 200
LOOK_S = 1.0  # between two looks at PostgreSQL
HEARTBEAT_S = 15  # board.js gives a stream up that is silent for twice as long
SEND_S = 10  # for a client that takes nothing any more
LONGEST_S = 600  # then the browser connects anew; what hung half open is gone
_CALM_S = 0.1  # between two messages: one call moves several tokens

_HELLO = b"retry: 2000\n\n"
_CHANGED = b"event: changed\ndata:\n\n"
_HEARTBEAT = b": still here\nevent: heartbeat\ndata:\n\n"

logger = logging.getLogger(__name__)


class Hub:
    """Those who listen in this process, and the two ways in which a change comes to them."""

    def __init__(self):
        self._clients: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task] = []

    @property
    def is_full(self) -> bool:
        return len(self._clients) >= MOST_CLIENTS

    @contextlib.contextmanager
    def joined(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change. Changes that a slow client has not taken yet are one change to it."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._look())]
        changed = asyncio.Event()
        self._clients.add(changed)
        try:
            yield changed
        finally:
            self._clients.discard(changed)

    def tell(self) -> None:
        for changed in self._clients:
            changed.set()

    async def _hear(self) -> None:
        while True:
            with contextlib.suppress(RedisDown):
                async for _ in stores.changes():
                    self.tell()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        """While anybody listens. What Redis has told already is told twice: one more look at the board, which is cheap."""
        seen = None
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._clients:
                continue
            try:
                latest = await sync_to_async(_latest)()
            except (OperationalError, InterfaceError):
                logger.warning("board events: PostgreSQL does not answer")
                continue
            if latest != seen:
                seen = latest
                self.tell()


def _latest() -> int:
    close_old_connections()  # there is no request whose end would do it
    return latest_changes()


hub = Hub()


async def application(scope, receive, send) -> None:
    if scope["type"] != "http":
        return
    if scope["method"] not in {"GET", "HEAD"} or scope["path"] not in {PATH, "/healthz"}:
        await _answer(send, 404, b"Not found.")
    elif scope["path"] == "/healthz" or scope["method"] == "HEAD":
        await _answer(send, 200, b"ok")
    elif hub.is_full:
        await _answer(send, 503, b"Too many boards listen already.", (b"retry-after", b"30"))
    else:
        await _stream(scope, receive, send)


async def _answer(send, status: int, body: bytes, *headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain"), *headers]})
    await send({"type": "http.response.body", "body": body})


async def _stream(scope, receive, send) -> None:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LONGEST_S
    gone = asyncio.create_task(_until_gone(receive))
    try:
        with hub.joined() as changed:
            await send({"type": "http.response.start", "status": 200, "headers": _headers(scope)})
            part = _HELLO + _CHANGED  # what happened before the browser was there
            while loop.time() < ends_at and not gone.done():
                await asyncio.wait_for(send({"type": "http.response.body", "body": part, "more_body": True}), SEND_S)
                part = await _next_part(changed, gone)
            await send({"type": "http.response.body", "body": b""})
    except (TimeoutError, OSError):
        logger.info("board events: a client went away without a word")
    finally:
        gone.cancel()


async def _next_part(changed: asyncio.Event, gone: asyncio.Task) -> bytes:
    waiting = asyncio.create_task(changed.wait())
    await asyncio.wait({waiting, gone}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not changed.is_set():
        return _HEARTBEAT
    changed.clear()
    await asyncio.sleep(_CALM_S)
    return _CHANGED


async def _until_gone(receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(scope) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"origin"),
    ]
    origin = dict(scope["headers"]).get(b"origin", b"")
    if origin.decode("latin-1") in settings.CSRF_TRUSTED_ORIGINS:  # where the clinic's own pages come from
        headers.append((b"access-control-allow-origin", origin))
    return headers
