"""The event stream, as an ASGI server drives it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinic.core.redis import RedisDown
from scheduling import stream

ORIGIN = "https://clinic.example"


@pytest.fixture(autouse=True)
def hub(monkeypatch):
    """A hub of the test's own, deaf and blind but for what the test tells it."""

    async def nothing(self):
        await asyncio.Event().wait()

    monkeypatch.setattr(stream.Hub, "_hear", nothing)
    monkeypatch.setattr(stream.Hub, "_look", nothing)
    monkeypatch.setattr(stream, "hub", stream.Hub())
    return stream.hub


class Browser:
    """One connection: `sent` is what it got; it may close, and it may stop taking anything."""

    def __init__(self, path=stream.PATH, method="GET", origin=b""):
        self.scope = {"type": "http", "method": method, "path": path, "headers": [(b"origin", origin)]}
        self.sent, self.closed, self.is_stuck = [], asyncio.Event(), False

    async def receive(self):
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.is_stuck:
            await asyncio.Event().wait()
        self.sent.append(message)

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def start(self):
        return self.sent[0]["status"], dict(self.sent[0]["headers"])

    def open(self):
        return asyncio.create_task(stream.application(self.scope, self.receive, self.send))

    async def got(self, what: bytes, times: int = 1):
        while self.body.count(what) < times:
            await asyncio.sleep(0.005)


def drive(story):
    """Run a coroutine function to its end, or fail. In a thread: browser tests leave an event loop running in theirs."""

    async def limited():
        async with asyncio.timeout(20):
            await story()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(limited())).result()


def test_each_change_reaches_every_browser_and_says_nothing_else(hub):
    async def story():
        browsers = [Browser() for _ in range(3)]
        tasks = [browser.open() for browser in browsers]
        for number in (1, 2):
            for browser in browsers:
                await browser.got(b"event: changed", number)
            hub.tell()
        for browser in browsers:
            await browser.got(b"event: changed", 3)
            browser.closed.set()
        await asyncio.gather(*tasks)

        assert browsers[0].start[0] == 200
        assert browsers[0].start[1][b"content-type"] == b"text/event-stream"
        assert set(browsers[0].body.split(b"\n")) == {b"retry: 2000", b"event: changed", b"data:", b""}

    drive(story)


def test_changes_that_were_not_taken_yet_are_one(hub):
    async def story():
        browser = Browser()
        task = browser.open()
        await browser.got(b"event: changed")
        for _ in range(50):
            hub.tell()
        await browser.got(b"event: changed", 2)
        await asyncio.sleep(3 * stream._CALM_S)
        browser.closed.set()
        await task

        assert browser.body.count(b"event: changed") == 2

    drive(story)


def test_silence_is_filled_with_heartbeats(monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.01)

    async def story():
        browser = Browser()
        task = browser.open()
        await browser.got(b": still here\nevent: heartbeat\n", 3)
        browser.closed.set()
        await task

    drive(story)


def test_place_of_a_browser_that_is_gone_is_free_again(hub, monkeypatch):
    monkeypatch.setattr(stream, "MOST_CLIENTS", 1)

    async def story():
        first, second, third = Browser(), Browser(), Browser()
        task = first.open()
        await first.got(b"event: changed")
        await second.open()
        first.closed.set()
        await task
        task = third.open()
        await third.got(b"event: changed")
        third.closed.set()
        await task

        assert second.start[0] == 503
        assert second.start[1][b"retry-after"] == b"30"

    drive(story)


def test_browser_that_takes_nothing_any_more_is_let_go(hub, monkeypatch):
    monkeypatch.setattr(stream, "SEND_S", 0.05)

    async def story():
        browser = Browser()
        task = browser.open()
        await browser.got(b"event: changed")
        browser.is_stuck = True
        hub.tell()
        await task

        assert not hub._clients

    drive(story)


def test_stream_ends_after_its_time_so_that_half_open_ones_do_too(hub, monkeypatch):
    monkeypatch.setattr(stream, "LONGEST_S", 0.05)
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.02)

    async def story():
        browser = Browser()
        await browser.open()

        assert browser.sent[-1] == {"type": "http.response.body", "body": b""}
        assert not hub._clients

    drive(story)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 404), ("/events/board/", "GET", 404), (stream.PATH, "POST", 404), (stream.PATH, "HEAD", 200), ("/healthz", "GET", 200)],
)
def test_nothing_else_is_there(path, method, status):
    async def story():
        browser = Browser(path, method)
        await browser.open()

        assert browser.start[0] == status

    drive(story)


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, True), ("https://other.example", False), ("", False)])
def test_pages_of_the_clinic_only_may_listen_from_another_address(settings, origin, allowed):
    settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]

    async def story():
        browser = Browser(origin=origin.encode())
        task = browser.open()
        await browser.got(b"event: changed")
        browser.closed.set()
        await task

        assert browser.start[1].get(b"access-control-allow-origin") == (ORIGIN.encode() if allowed else None)

    drive(story)


class TestNoticing:
    """With the two ways in which a change is noticed put back, one at a time."""

    def test_hears_redis_again_after_it_was_down(self, hub, monkeypatch):
        attempts = []

        async def changes():
            attempts.append(1)
            if len(attempts) == 1:
                raise RedisDown
            yield "changed"
            await asyncio.Event().wait()

        monkeypatch.setattr(stream.stores, "changes", changes)
        monkeypatch.setattr(stream, "LOOK_S", 0.01)
        monkeypatch.setattr(stream.Hub, "_hear", HEAR)

        async def story():
            with hub.joined() as changed:
                await changed.wait()

        drive(story)
        assert len(attempts) == 2

    def test_sees_rows_and_survives_a_database_that_does_not_answer(self, hub, monkeypatch):
        answers = iter([1, stream.OperationalError(), 1, 2])

        def latest():
            answer = next(answers, 2)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(stream, "_latest", latest)
        monkeypatch.setattr(stream, "LOOK_S", 0.01)
        monkeypatch.setattr(stream.Hub, "_look", LOOK)

        async def story():
            with hub.joined() as changed:
                for _ in (1, 2):
                    await changed.wait()
                    changed.clear()

        drive(story)


HEAR, LOOK = stream.Hub._hear, stream.Hub._look
