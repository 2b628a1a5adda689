"""Eight ways to tamper with the log, each by someone who may switch off every trigger; each is found and its first row named."""

import io
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from clinic.audit import anchors, rules
from clinic.audit.models import OutboxEvent
from clinic.audit.services.proving import prove_chain
from clinic.audit.services.recording import record
from clinic.audit.services.relay import relay_outbox
from clinic.audit.services.sealing import seal_outbox
from clinic.core import mongo

pytestmark = pytest.mark.django_db
TABLE = "audit_outboxevent"
ROWS = 9


@contextmanager
def without_triggers():
    """As the owner of the tables can."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER USER")


@pytest.fixture(autouse=True)
def _no_copies_of_others(empty_collections):
    """Events fall with the test's transaction; what MongoDB was told of them does not."""


@pytest.fixture
def anchor_file(settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = tmp_path / "anchors"
    return settings.AUDIT_ANCHOR_FILE


@pytest.fixture
def chain(anchor_file):
    """Nine sealed, anchored and shipped events."""
    for n in range(ROWS):
        record(action="test.thing.done", actor=None, changes={"n": n, "amount": "1.10", "share": 0.25})
    seal_outbox()
    relay_outbox()
    assert prove_chain().holds
    return list(OutboxEvent.objects.order_by("sequence"))


def first_of(proof):
    assert proof.findings
    return proof.findings[0].sequence


def test_an_untouched_chain_holds(chain):
    proof = prove_chain()

    assert (proof.events, proof.copies, proof.found, proof.unknown) == (ROWS, ROWS, 0, [])
    assert proof.anchors == 2


def test_an_edited_event(chain):
    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'test.thing.other' WHERE sequence = 4")

    assert first_of(prove_chain()) == 4


@pytest.mark.parametrize(
    "change",
    [
        "occurred_at = occurred_at - interval '1 hour'",
        "resource_type = 'patient'",
        "patient_id = gen_random_uuid()",
        "resource_id = gen_random_uuid()",
        "request_id = 'x'",
        "event_id = gen_random_uuid()",
        "topic = 'visit_history'",
        """document = jsonb_set(document, '{changes,n}', '99')""",
    ],
)
def test_whichever_column_was_edited(change, chain):
    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET {change} WHERE sequence = 4")

    assert 4 in {finding.sequence for finding in prove_chain().findings if finding.kind == "broken"}


def test_a_deleted_event(chain):
    with without_triggers() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE sequence = 4")

    proof = prove_chain()
    assert "missing" in {finding.kind for finding in proof.findings if finding.sequence == 4}


def test_an_event_put_in_between(chain):
    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET sequence = sequence + 100 WHERE sequence >= 4")
        cursor.execute(f"UPDATE {TABLE} SET sequence = sequence - 99 WHERE sequence >= 100")
        cursor.execute(
            f"INSERT INTO {TABLE} (event_id, topic, occurred_at, action, resource_type, request_id, document, sequence, seal, key_id)"
            f" SELECT gen_random_uuid(), topic, occurred_at, action, resource_type, request_id, document, 4, repeat('a', 64), key_id"
            f" FROM {TABLE} WHERE sequence = 5"
        )

    assert first_of(prove_chain()) == 4


def test_two_events_exchanged(chain):
    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET sequence = 1000 WHERE sequence = 4")
        cursor.execute(f"UPDATE {TABLE} SET sequence = 4 WHERE sequence = 6")
        cursor.execute(f"UPDATE {TABLE} SET sequence = 6 WHERE sequence = 1000")

    assert first_of(prove_chain()) == 4


def test_the_tail_cut_off_with_its_copies_and_anchors(chain):
    """Even by someone who also rules MongoDB: the file still knows."""
    with without_triggers() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE sequence > 6")
    mongo.database()["audit_logs"].delete_many({"_id": {"$in": [event.event_id for event in chain[6:]]}})
    mongo.database()[anchors.COLLECTION].delete_many({})

    proof = prove_chain()

    assert [(finding.sequence, finding.kind) for finding in proof.findings] == [(7, "cut")]


def test_the_tail_cut_off_without_a_file_while_mongodb_is_whole(chain, settings):
    settings.AUDIT_ANCHOR_FILE = None
    with without_triggers() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE sequence > 6")

    assert (7, "cut") in {(finding.sequence, finding.kind) for finding in prove_chain().findings}


def test_a_chain_written_anew_without_the_key(chain):
    """From an edited event on, with copies and anchors in MongoDB to fit."""
    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'test.thing.other' WHERE sequence = 4")
        _seal_anew(cursor, since=4, key="a guess at the key")

    assert first_of(prove_chain()) == 4


def _seal_anew(cursor, *, since: int, key: str) -> None:
    previous = OutboxEvent.objects.get(sequence=since - 1).seal
    for event in OutboxEvent.objects.filter(sequence__gte=since).order_by("sequence"):
        previous = rules.seal_of(key=key, previous=previous, sequence=event.sequence, event=event)
        cursor.execute(f"UPDATE {TABLE} SET seal = %s WHERE id = %s", [previous, event.pk])
    mongo.database()[anchors.COLLECTION].update_many({}, {"$set": {"seal": previous}})


def test_with_the_key_only_the_anchor_in_the_file_tells(chain, settings):
    """What the key is for: whoever has it, and MongoDB, can write another history, but for the file."""
    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'test.thing.other' WHERE sequence = 4")
        _seal_anew(cursor, since=4, key=settings.AUDIT_KEY)

    assert {finding.kind for finding in prove_chain().findings} == {"anchor"}
    settings.AUDIT_ANCHOR_FILE = None
    assert prove_chain().holds


def test_an_old_copy_put_back(chain, anchor_file):
    """Of PostgreSQL and MongoDB both; what happened since is gone, and the chain by itself is in order."""
    for _ in range(3):
        record(action="test.thing.done", actor=None)
    seal_outbox()
    relay_outbox()
    newer = OutboxEvent.objects.filter(sequence__gt=ROWS)
    mongo.database()["audit_logs"].delete_many({"_id": {"$in": list(newer.values_list("event_id", flat=True))}})
    mongo.database()[anchors.COLLECTION].delete_many({"_id": {"$gt": ROWS}})
    with without_triggers() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE sequence > {ROWS}")

    proof = prove_chain()

    assert [(finding.sequence, finding.kind) for finding in proof.findings] == [(ROWS + 1, "cut")]


def test_an_edited_copy_in_mongodb(chain):
    mongo.database()["audit_logs"].update_one({"_id": chain[3].event_id}, {"$set": {"action": "test.thing.other"}})

    [finding] = prove_chain().findings
    assert (finding.sequence, finding.kind, finding.event_id) == (4, "copy", chain[3].event_id)


def test_a_copy_that_mongodb_lost(chain):
    mongo.database()["audit_logs"].delete_one({"_id": chain[3].event_id})

    [finding] = prove_chain().findings
    assert (finding.sequence, finding.kind) == (4, "copy")


def test_a_document_that_no_event_stands_behind(chain):
    stranger = uuid4()
    mongo.database()["audit_logs"].insert_one({"_id": stranger})

    [finding] = prove_chain().findings
    assert (finding.kind, finding.event_id) == ("stranger", stranger)


def test_a_former_key_still_proves_what_it_sealed(chain, settings):
    settings.AUDIT_FORMER_KEYS = [settings.AUDIT_KEY]
    settings.AUDIT_KEY = "the key of the years that follow the first one"
    record(action="test.thing.done", actor=None)
    seal_outbox()
    relay_outbox()

    assert prove_chain().holds
    settings.AUDIT_FORMER_KEYS = []
    assert {finding.kind for finding in prove_chain().findings} == {"key"}


def test_with_mongodb_down_the_chain_is_proved_and_the_rest_is_not_called_well(chain, mongodb_down):
    proof = prove_chain()

    assert proof.found == 0
    assert proof.unknown
    assert not proof.holds


def test_a_line_in_the_anchor_file_that_no_sealer_wrote(chain, anchor_file):
    anchor_file.write_text("nonsense\n")

    assert {finding.kind for finding in prove_chain().findings} == {"anchor"}


def test_an_anchor_is_never_replaced(chain):
    anchors.leave(sequence=ROWS, seal="f" * 64)

    assert anchors.in_mongodb() == {ROWS: chain[-1].seal}


def test_the_command_says_so_and_names_the_first_row(chain):
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "The chain holds." in out.getvalue()

    with without_triggers() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'test.thing.other' WHERE sequence = 4")
    out = io.StringIO()
    with pytest.raises(CommandError, match="contradictions"):
        call_command("verify_audit", stdout=out)

    assert f"4 {chain[3].event_id}: " in out.getvalue()
