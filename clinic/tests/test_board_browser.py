"""The board on the wall: each call appears by itself, whatever becomes of Redis and of the event process."""

import os

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.tests.factories import DepartmentFactory
from clinic.core.redis import breaker, client
from clinic.ops.demo import Events
from clinic.ops.servers.data_dir import DataDir
from clinic.ops.servers.ports import any_free_port
from clinic.ops.servers.stopping import StopSwitch
from clinic.ops.servers.supervisor import Supervisor
from clinic.ops.servers.valkey import Valkey
from scheduling.models import Token
from scheduling.services import queueing
from scheduling.tests.steps import walk_in_now

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]

# A call is on the board within a second; within one poll of 2 s while the stream is not there. The rest is for a
# machine that runs other tests meanwhile; polling alone does not pass the first one.
TOLD_MS, POLLED_MS = 1_500, 4_000


@pytest.fixture
def supervisor(tmp_path):
    data_dir = DataDir(tmp_path)
    data_dir.open_now()
    supervisor = Supervisor(data_dir, StopSwitch(), print)
    yield supervisor
    supervisor.shutdown()
    data_dir.close()


@pytest.fixture
def redis_server(supervisor, settings):
    """A server of this test's own, to kill."""
    valkey = Valkey(supervisor.data_dir, durable=False)
    supervisor.start([valkey])
    settings.REDIS_URL = valkey.url
    return supervisor._groups[-1][0]


@pytest.fixture
def events(supervisor, redis_server, settings, live_server):
    """The event process, on the same database and Redis as the pages."""
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    port = any_free_port()
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{address}",
        "REDIS_URL": settings.REDIS_URL,
        "REDIS_KEY_PREFIX": settings.REDIS_KEY_PREFIX,
        "CSRF_TRUSTED_ORIGINS": live_server.url,
    }
    supervisor.start([Events(port, environment)])
    settings.BOARD_EVENTS_URL = f"http://127.0.0.1:{port}/events/board"
    return supervisor._groups[-1][0]


@pytest.fixture
def board(browser, live_server):
    """The board in a window; what its console complains of, but for connections that this test cuts, fails the test."""
    page = browser.new_page(base_url=live_server.url)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
    yield page
    page.close()
    assert complaints == []


def waiting_line(count: int) -> int:
    department = DepartmentFactory()
    tokens = [walk_in_now(department=department) for _ in range(count)]
    return tokens[0].queue_id


def call_and_see(board, queue_id: int, within_ms: int) -> None:
    """The next patient is called to a room of its own, and everybody sees it without touching the board."""
    room = str(Token.objects.filter(queue=queue_id).exclude(status="waiting").count() + 1)
    token = queueing.call_next(queue_id=queue_id, by=None, now=timezone.now(), room=room)
    expect(board.locator(".board-tokens").get_by_text(token.label, exact=True)).to_be_visible(timeout=within_ms)


def open_and_listen(board) -> None:
    with board.expect_response(lambda response: "/events/board" in response.url):
        board.goto("/scheduling/board/")
    expect(board.locator("#board")).to_be_visible()


def test_follows_twenty_calls_while_redis_is_flushed_killed_and_started_again(board, events, redis_server):
    queue_id = waiting_line(20)
    open_and_listen(board)

    for _ in range(6):
        call_and_see(board, queue_id, TOLD_MS)
    client().flushall()
    for _ in range(4):
        call_and_see(board, queue_id, TOLD_MS)
    redis_server.process.kill()
    redis_server.process.wait()
    for _ in range(6):
        call_and_see(board, queue_id, TOLD_MS)
    redis_server.spawn()
    breaker.reset()
    for _ in range(4):
        call_and_see(board, queue_id, TOLD_MS)

    expect(board.locator("#connection")).to_be_hidden()
    assert not Token.objects.filter(status="waiting").exists()


def test_asks_by_itself_while_the_event_process_is_gone(board, events):
    queue_id = waiting_line(6)
    open_and_listen(board)
    call_and_see(board, queue_id, TOLD_MS)

    events.ask_to_stop()
    events.wait_stopped()
    for _ in range(2):
        call_and_see(board, queue_id, POLLED_MS)

    with board.expect_response(lambda response: "/events/board" in response.url and response.status == 200):
        events.spawn()
    call_and_see(board, queue_id, TOLD_MS)


def test_asks_by_itself_where_there_is_no_event_process(board):
    queue_id = waiting_line(2)
    board.goto("/scheduling/board/")

    for _ in range(2):
        call_and_see(board, queue_id, POLLED_MS)


def test_says_so_when_the_clinic_does_not_answer(board):
    board.goto("/scheduling/board/")
    expect(board.locator("#connection")).to_be_hidden()

    board.context.set_offline(True)
    expect(board.locator("#connection")).to_be_visible(timeout=POLLED_MS)
    board.context.set_offline(False)
    expect(board.locator("#connection")).to_be_hidden(timeout=POLLED_MS)
