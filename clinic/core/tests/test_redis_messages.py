"""A subscription, against the real Redis."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinic.core import redis
from clinic.core.redis import RedisDown


@pytest.fixture(autouse=True)
def _soon_asks(monkeypatch):
    monkeypatch.setattr(redis, "_SILENCE_S", 0.05)


def drive(story):
    """In a thread: browser tests leave an event loop running in theirs."""

    async def limited():
        async with asyncio.timeout(20):
            return await story()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(limited())).result()


async def publish(text: str) -> None:
    """Once somebody listens."""
    while not await asyncio.to_thread(redis.client().publish, redis.key("a channel"), text):
        await asyncio.sleep(0.01)


def test_each_message_is_heard_also_after_silences():
    async def story():
        heard, messages = [], redis.messages("a channel")
        for text in ("one", "two", "three"):
            coming = asyncio.create_task(anext(messages))
            await asyncio.sleep(0.3)  # several silences, each asked about
            await publish(text)
            heard.append(await coming)
        await messages.aclose()
        return heard

    assert drive(story) == ["one", "two", "three"]


def test_server_that_does_not_answer_any_more_is_down():
    async def story():
        async def swallow(reader, writer):
            """Takes the subscription, and answers nothing after it."""
            await reader.read(1000)
            writer.write(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n")
            await reader.read()
            writer.close()

        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(redis.settings, "REDIS_URL", f"redis://127.0.0.1:{port}/0?lib_name=&lib_version=&protocol=2")
            with pytest.raises(RedisDown):
                await anext(redis.messages("a channel"))
        server.close()
        await asyncio.sleep(0.05)  # for the connection's end to be seen

    drive(story)
