"""Who sends a task sends it to our broker, whichever process it is."""

import ast
import os
import socket
import subprocess
import sys

SEND_FROM_A_WEB_PROCESS = """
import clinic.wsgi
from clinic.audit.tasks import relay_outbox
print(relay_outbox.app.main, relay_outbox.app.conf.broker_url)
"""


def test_a_web_process_sends_tasks_to_the_clinics_broker(settings):
    said = subprocess.run([sys.executable, "-c", SEND_FROM_A_WEB_PROCESS], capture_output=True, text=True, check=True).stdout

    assert said.split() == ["clinic", settings.REDIS_URL]


SEND_TO_A_BROKER_THAT_HANGS = """
import socket, time
import clinic.wsgi
from clinic.audit.services import waking
from clinic.core import redis
began = time.monotonic()
waking.wake_relay()
print(time.monotonic() - began < 2.5)  # unbounded it is 5 s; the bound itself is 0.3 s
try:
    redis.breaker.check()
except redis.RedisDown:
    print("open")
"""


def test_a_web_process_does_not_wait_for_a_broker_that_hangs():
    """It takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        said = subprocess.run(
            [sys.executable, "-c", SEND_TO_A_BROKER_THAT_HANGS],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"REDIS_URL": url},
        ).stdout

    assert said.split() == ["True", "open"]


def test_a_web_process_sends_with_the_timeout_of_a_store():
    said = subprocess.run(
        [sys.executable, "-c", "import clinic.wsgi; from clinic.celery import app; print(app.conf.broker_transport_options)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert ast.literal_eval(said) == {"socket_timeout": 0.3, "socket_connect_timeout": 0.3, "max_retries": 0}
