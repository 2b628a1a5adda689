"""`manage.py relay_outbox`: what a worker does every 10 seconds, by hand."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clinic.audit import sink
from clinic.audit.models import OutboxEvent, Topic
from clinic.audit.services import relay, sealing
from clinic.audit.services.recording import record

pytestmark = pytest.mark.django_db


def relayed() -> str:
    said = StringIO()
    call_command("relay_outbox", stdout=said)
    return said.getvalue().strip()


def test_seals_and_ships_all_of_it_once(monkeypatch):
    monkeypatch.setattr(relay, "BATCH", 2)
    monkeypatch.setattr(sealing, "BATCH", 2)
    events = [record(action="test.thing.done", actor=None) for _ in range(5)]

    assert relayed() == "5 events sealed, 5 shipped."

    ids = [event.event_id for event in events]
    assert set(sink.copies(Topic.AUDIT, ids)) == set(ids)
    assert not OutboxEvent.objects.unshipped().exists()
    assert not OutboxEvent.objects.unsealed().exists()
    assert relayed() == "0 events sealed, 0 shipped."


def test_says_how_many_wait_while_mongodb_is_down(mongodb_down):
    record(action="test.thing.done", actor=None)

    with pytest.raises(CommandError, match="Events that wait: 1"):
        relayed()

    assert OutboxEvent.objects.unshipped().count() == 1
    assert OutboxEvent.objects.sealed().count() == 1
