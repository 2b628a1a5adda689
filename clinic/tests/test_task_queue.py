"""Who sends a task sends it to our broker, whichever process it is."""

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
