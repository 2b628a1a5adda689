import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from clinic.audit.models import OutboxEvent
from clinic.audit.services.recording import record
from clinic.audit.services.relay import relay_outbox
from clinic.audit.services.sealing import seal_outbox

pytestmark = pytest.mark.django_db
DOCUMENT = {"timestamp": "2026-01-01T00:00:00+00:00", "user": None, "action": "test.old", "resource": {"type": "", "id": None},
            "changes": {}, "request_id": ""}  # fmt: skip
TOKEN = "a token for the one who measures"


def values(client, **headers) -> dict[str, float]:
    answer = client.get("/metrics", **headers)
    assert answer.status_code == 200
    rows = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+(\{store="[a-z]+"\})? [0-9.e+-]+', row) for row in rows)
    return {name: float(value) for name, value in (row.rsplit(" ", 1) for row in rows)}


def test_says_how_far_shipping_and_sealing_are_behind(client):
    OutboxEvent.objects.create(topic="audit_logs", action="test.old", document=DOCUMENT,
                               occurred_at=Now() - timedelta(hours=1))  # fmt: skip
    record(action="test.thing.done", actor=None)

    behind = values(client)
    seal_outbox()
    relay_outbox()
    after = values(client)

    assert (behind["clinic_outbox_events"], behind["clinic_audit_unsealed_events"]) == (2, 2)
    assert 3600 <= behind["clinic_outbox_age_seconds"] < 7200
    assert 3600 <= behind["clinic_audit_sealing_lag_seconds"] < 7200
    assert (after["clinic_outbox_events"], after["clinic_outbox_age_seconds"]) == (0, 0)
    assert (after["clinic_audit_unsealed_events"], after["clinic_audit_sealing_lag_seconds"]) == (0, 0)
    assert after["clinic_audit_sealed_events"] == 2
    assert after['clinic_store_up{store="mongodb"}'] == 1


def test_a_store_that_is_away_is_a_zero(client, mongodb_down):
    assert values(client)['clinic_store_up{store="mongodb"}'] == 0


@pytest.mark.parametrize(
    "request_",
    [{"REMOTE_ADDR": "192.0.2.7"}, {"headers": {"X-Forwarded-For": "192.0.2.7"}}],
)
def test_without_a_token_only_this_machine_reads_it(request_, client):
    assert client.get("/metrics", **request_).status_code == 404


def test_with_a_token_everyone_needs_it(client, settings):
    settings.METRICS_TOKEN = TOKEN

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer \xe9"}).status_code == 404
    assert values(client, headers={"Authorization": f"Bearer {TOKEN}"}, REMOTE_ADDR="192.0.2.7")


def test_nothing_is_written_by_it(client):
    before = OutboxEvent.objects.count()
    values(client)

    assert OutboxEvent.objects.count() == before
    assert client.post("/metrics").status_code == 405
