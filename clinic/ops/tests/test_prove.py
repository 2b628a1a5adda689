"""The harness of `make prove`: what it counts, what it forgives, and one chapter from end to end."""

import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import pytest

from clinic.ops.prove.chapter import Control, Finding, Verdict, is_excused
from clinic.ops.prove.client import FAILED, OK, REFUSED, UNKNOWN, Answer, Caller, Failure, Tally
from clinic.ops.prove.crowd import Storm, all_at_once, in_rounds, work_off
from clinic.ops.prove.stack import morning_zone
from clinic.ops.tests.conftest import PROJECT

BUSY = (409, b'{"code": "request_in_progress"}')
TAKEN = (409, b'{"code": "slot_taken"}')
MADE = (201, b'{"id": "1"}')
DOWN = (503, b'{"code": "database_down"}')
HANG_UP = None


@pytest.fixture
def scripted():
    """scripted(*answers): a caller of a server that gives these answers, one to each request, and what it was asked."""
    servers = []

    def start(*answers):
        script, seen = list(answers), []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                seen.append(self.headers["Idempotency-Key"])
                answer = script.pop(0)
                if answer is HANG_UP:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *_):
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tally = Tally()
        caller = Caller(server.server_address[1], "token", tally)
        servers.append((server, caller))
        return caller, tally, seen

    yield start
    for server, caller in servers:
        caller.hang_up()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("answers", "kind", "counts"),
    [
        ([MADE], OK, (1, 0, 0)),
        ([TAKEN], REFUSED, (0, 1, 0)),
        ([HANG_UP, MADE], OK, (1, 0, 1)),
        ([DOWN, HANG_UP, TAKEN], REFUSED, (0, 1, 1)),
        ([BUSY, BUSY, MADE], OK, (1, 0, 0)),
    ],
)
def test_a_request_is_repeated_with_its_key_until_it_is_decided(scripted, answers, kind, counts):
    caller, tally, seen = scripted(*answers)

    answer = caller.post("appointments/", {}, key="key-1")

    assert answer.kind == kind
    assert seen == ["key-1"] * len(answers)
    assert (tally.ok, sum(tally.refused.values()), tally.resolved) == counts
    assert (tally.attempts, tally.unknown, tally.unresolved) == (1, tally.resolved, [])


def test_a_request_without_a_key_is_not_repeated(scripted):
    caller, tally, seen = scripted(HANG_UP)

    answer = caller.post("appointments/", {})

    assert (answer.kind, len(seen), len(tally.unresolved)) == (UNKNOWN, 1, 1)


def test_a_request_that_stays_undecided_is_no_success(scripted):
    caller, tally, _ = scripted(*[DOWN] * 50)
    tally.patience = 0.1

    assert caller.post("appointments/", {}, key="key-1").kind == FAILED
    assert (tally.ok, len(tally.unresolved)) == (0, 1)


@pytest.mark.parametrize(
    ("status", "retry_after", "began", "excused"),
    [
        (503, "2", 100.0, True),
        (503, "2", 112.0, True),  # a pooled connection was still the old one
        (503, "2", 200.0, False),
        (503, "2", 50.0, False),
        (503, None, 100.0, False),
        (500, "2", 100.0, False),
    ],
)
def test_only_503_with_retry_after_is_forgiven_and_only_while_postgresql_was_down(status, retry_after, began, excused):
    failure = Failure(began, began + 1, Answer(FAILED, status, None, retry_after), "POST appointments/")

    assert is_excused(failure, [(99.0, 105.0)]) is excused


def test_a_control_that_finds_nothing_of_its_kind_fails_the_chapter():
    clean, found = (Finding(None, Tally(), {"overlaps": count}, 1.0) for count in (0, 3))
    broken = Finding(None, Tally(), {"overlaps": 0, "bookings stopped": 9}, 1.0)
    control = Control("nothing", "nothing taken out", 1.0, ("overlaps",))

    assert Verdict(clean, [(control, found)]).holds
    assert not Verdict(clean, [(control, clean)]).holds
    assert not Verdict(clean, [(control, broken)]).holds
    assert not Verdict(found, [(control, found)]).holds


@pytest.mark.parametrize("hour", range(24))
def test_it_is_morning_in_the_clinic_of_a_run(hour):
    now = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)

    assert now.astimezone(ZoneInfo(morning_zone(now))).hour == 9


def test_troubles_come_while_the_load_goes_on():
    done, seen = [], []

    def load(job_done):
        def work(job):
            done.append(job)
            job_done()

        work_off(range(100), work, clients=4)

    Storm([lambda: seen.append(len(done))] * 4, jobs=100).during(load)

    assert len(seen) == 4
    assert seen[0] >= 20
    assert sorted(done) == list(range(100))


def test_an_error_in_one_client_ends_the_round_for_all():
    def work(turn, client):
        if (turn, client) == (1, 2):
            raise ValueError("a fault of the harness")

    with pytest.raises(ValueError, match="fault"):
        in_rounds(5, work, clients=4)
    with pytest.raises(ZeroDivisionError):
        all_at_once(lambda number: 1 // number, clients=2)


def test_a_chapter_holds_on_the_product_and_fails_without_the_guard(new_folder):
    command = [sys.executable, "-m", "clinic.ops.prove", "--only", "I2", "--scale", "0.02", "--no-fsync", "--data-dir", new_folder]

    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=240, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    row = next(line for line in run.stdout.splitlines() if line.startswith("| I2"))
    assert "| **0** |" in row
    assert re.search(r"without .*: [1-9]\d* overlapping pairs of a patient", row)
    assert not new_folder.exists()
