import pytest
from django.db import IntegrityError, transaction

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit import sink
from clinic.audit.models import OutboxEvent
from clinic.audit.services.recording import record
from clinic.audit.services.relay import relay_outbox

pytestmark = pytest.mark.django_db


def test_event_falls_with_the_callers_transaction():
    def fail():
        record(action="test.thing.done", actor=None)
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction.atomic():
        fail()

    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("change", [{"action": "other"}, {"document": {}}])
def test_database_refuses_to_change_an_event(change):
    event = record(action="test.thing.done", actor=None)

    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxEvent.objects.filter(pk=event.pk).update(**change)


def test_database_refuses_to_delete_an_event():
    event = record(action="test.thing.done", actor=None)

    with pytest.raises(IntegrityError), transaction.atomic():
        event.delete()


def test_relay_ships_each_event_once_in_effect():
    actor = user(Role.RECEPTION)
    event = record(action="test.thing.done", actor=actor, changes={"status": "new"})

    assert relay_outbox() == 1
    OutboxEvent.objects.filter(pk=event.pk).update(shipped_at=None)  # as a crash before the mark leaves it
    assert relay_outbox() == 1

    [document] = sink.find("audit_logs", _id=event.event_id)
    assert document["user"] == {"id": str(actor.public_id), "name": str(actor), "role": "RECEPTION"}
    assert document["changes"] == {"status": "new"}
    assert relay_outbox() == 0


def test_outbox_waits_while_mongodb_is_down(mongodb_down):
    record(action="test.thing.done", actor=None)

    assert relay_outbox() == 0

    assert OutboxEvent.objects.unshipped().count() == 1
