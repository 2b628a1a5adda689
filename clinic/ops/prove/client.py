"""Requests to the server, each classed, and repeated until its outcome is known.

    ok       2xx
    refused  4xx: the server said no, with a reason
    failed   5xx
    unknown  no whole answer came back: the effect may or may not be there

What failed or is unknown is sent again with the same Idempotency-Key until it is ok or refused.
"""

import contextlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 15
PAUSE_SECONDS = (0.02, 0.4)
# After so many answers of 500 nothing is repeated any more: the server is broken, and the run need not take hours.
HOPELESS = 200
OK, REFUSED, FAILED, UNKNOWN = "ok", "refused", "failed", "unknown"
# The key's first request still runs: nothing is decided yet.
_UNDECIDED = "request_in_progress"


@dataclass(frozen=True)
class Answer:
    kind: str
    status: int = 0
    body: dict | list | None = None
    retry_after: str | None = None

    @property
    def code(self) -> str:
        return self.body.get("code", "") if isinstance(self.body, dict) else ""


@dataclass(frozen=True)
class Failure:
    """A 5xx, and when: it is judged later, when it is known whether PostgreSQL was down then."""

    began: float
    ended: float
    answer: Answer
    request: str


@dataclass
class Tally:
    """What happened to the requests of a chapter. One request counts once, however often it was sent."""

    patience: float = 90  # seconds after which a request has no outcome
    attempts: int = 0
    ok: int = 0
    refused: Counter = field(default_factory=Counter)
    unknown: int = 0
    resolved: int = 0
    unresolved: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    slowest: float = 0.0
    _broken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, answer: Answer, *, was_unknown: bool, request: str, slowest: float):
        with self._lock:
            self.attempts += 1
            self.slowest = max(self.slowest, slowest)
            if answer.kind == OK:
                self.ok += 1
            elif answer.kind == REFUSED:
                self.refused[answer.code or str(answer.status)] += 1
            else:
                self.unresolved.append(request)
            if was_unknown:
                self.unknown += 1
                self.resolved += answer.kind in (OK, REFUSED)

    def add_failure(self, failure: Failure):
        with self._lock:
            self.failures.append(failure)
            self._broken += failure.answer.status != 503
            if self._broken > HOPELESS:
                self.patience = 0


class Caller:
    """A signed-in user at the server; any number of threads may share it, each with its own connection."""

    def __init__(self, port: int, access: str, tally: Tally):
        self._port = port
        self._headers = {"Authorization": f"Bearer {access}", "Accept": "application/json", "Content-Type": "application/json"}
        self._tally = tally
        self._local = threading.local()

    def post(self, path: str, body: dict | None = None, *, key: str | None = None, tag: str = "") -> Answer:
        return self.settle("POST", path, body or {}, key=key, tag=tag)

    def get(self, path: str, *, tag: str = "") -> Answer:
        return self.settle("GET", path, None, tag=tag)

    def settle(self, method: str, path: str, body, *, key: str | None = None, tag: str = "", match: str = "") -> Answer:
        """Send it until it is ok or refused; `tag` is its request id, `match` its If-Match.

        Without a key only a GET or a PATCH is repeated.
        """
        began, slowest, was_unknown = time.monotonic(), 0.0, False
        repeatable = key is not None or method in {"GET", "PATCH"}
        pause = PAUSE_SECONDS[0]
        while True:
            sent = time.monotonic()
            answer = self.send(method, path, body, key=key, tag=tag, match=match)
            slowest = max(slowest, time.monotonic() - sent)
            if answer.kind == FAILED:
                self._tally.add_failure(Failure(sent, time.monotonic(), answer, f"{method} {path}"))
            decided = answer.kind == OK or (answer.kind == REFUSED and answer.code != _UNDECIDED)
            was_unknown |= answer.kind in (UNKNOWN, FAILED)
            if decided or not repeatable or time.monotonic() - began > self._tally.patience:
                break
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, PAUSE_SECONDS[1])
        if not decided and answer.kind == REFUSED:
            answer = Answer(UNKNOWN)
        self._tally.add(answer, was_unknown=was_unknown, request=f"{method} {path} {key or ''}", slowest=slowest)
        return answer

    def send(self, method: str, path: str, body, *, key: str | None = None, tag: str = "", match: str = "") -> Answer:
        """Once, on this thread's connection."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {}) | ({"X-Request-ID": tag} if tag else {})
        headers |= {"If-Match": match} if match else {}
        payload = None if body is None else json.dumps(body)
        connection = self._connection()
        try:
            connection.request(method, f"/api/v1/{path}", body=payload, headers=headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return Answer(UNKNOWN)
        if response.will_close:
            self.hang_up()
        return _answer(response, content)

    def drop_reply(self, method: str, path: str, body, *, key: str):
        """Send it and hang up without reading what comes back."""
        connection = self._connection()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request(method, f"/api/v1/{path}", body=json.dumps(body), headers=self._headers | {"Idempotency-Key": key})
        self.hang_up()

    def _connection(self) -> http.client.HTTPConnection:
        if getattr(self._local, "connection", None) is None:
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        return self._local.connection

    def hang_up(self):
        if getattr(self._local, "connection", None) is not None:
            self._local.connection.close()
            self._local.connection = None


def sign_in(port: int, username: str, password: str) -> str:
    """An access token, through the API's own door."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    body = json.dumps({"username": username, "password": password})
    connection.request("POST", "/api/v1/auth/login/", body=body, headers={"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{username} cannot sign in: {response.status} {content[:300]!r}")
    return json.loads(content)["access"]


def _answer(response, content: bytes) -> Answer:
    kind = OK if response.status < 400 else REFUSED if response.status < 500 else FAILED
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = None
    return Answer(kind, response.status, body, response.getheader("Retry-After"))
