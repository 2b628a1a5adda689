"""One sealer, one chain: places without gaps, in the order of sealing."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from clinic.audit import rules
from clinic.audit.models import OutboxEvent
from clinic.audit.services import sealing
from clinic.audit.services.proving import prove_chain
from clinic.audit.services.recording import record
from clinic.audit.services.sealing import seal_outbox
from clinic.core.db import constraint_of


@pytest.fixture(autouse=True)
def _no_anchors_of_others(empty_collections):
    """Events fall with the test's transaction; what MongoDB was told of them does not."""


def happen(times: int = 1) -> list[OutboxEvent]:
    return [record(action="test.thing.done", actor=None, changes={"n": n}) for n in range(times)]


def places() -> list[int]:
    return list(OutboxEvent.objects.sealed().order_by("sequence").values_list("sequence", flat=True))


@pytest.mark.django_db
def test_gives_each_event_a_place_and_a_seal_once():
    happen(3)

    assert seal_outbox() == 3
    first = list(OutboxEvent.objects.order_by("pk").values_list("sequence", "seal", "key_id"))
    assert seal_outbox() == 0

    assert [row[0] for row in first] == [1, 2, 3]
    assert len({row[1] for row in first}) == 3
    assert list(OutboxEvent.objects.order_by("pk").values_list("sequence", "seal", "key_id")) == first


@pytest.mark.django_db
def test_goes_on_over_batches(monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 2)
    happen(5)

    assert seal_outbox() == 5

    assert places() == [1, 2, 3, 4, 5]
    assert prove_chain().found == 0


@pytest.mark.django_db
def test_the_seal_depends_on_the_key(settings):
    [event] = happen()
    event.refresh_from_db()

    seals = {rules.seal_of(key=key, previous=rules.GENESIS, sequence=1, event=event) for key in ("a", "b")}

    assert len(seals) == 2


@pytest.mark.django_db(transaction=True)
def test_an_event_committed_late_is_sealed_behind_those_before_it():
    written, may_commit = threading.Event(), threading.Event()

    def slow():
        try:
            with transaction.atomic():
                record(action="test.thing.late", actor=None)
                written.set()
                may_commit.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(30)
    happen()  # a later row, committed earlier
    assert seal_outbox() == 1
    may_commit.set()
    thread.join(30)
    assert seal_outbox() == 1

    late, early = OutboxEvent.objects.order_by("pk")
    assert (late.action, late.sequence, early.sequence) == ("test.thing.late", 2, 1)
    assert prove_chain().found == 0


@pytest.mark.django_db(transaction=True)
def test_many_sealers_make_one_chain(at_once):
    happen(60)

    results = at_once(*[seal_outbox] * 6)

    assert not [result for result in results if isinstance(result, Exception)]
    seal_outbox()
    assert places() == list(range(1, 61))
    assert prove_chain().found == 0


def in_another_session(call):
    """What `call` returns on a connection of its own."""
    found = []

    def work():
        try:
            found.append(call())
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    return found


def while_a_batch_is_sealed(monkeypatch, call) -> list:
    """Runs `call` elsewhere when the sealer has read what is to be sealed, and the head, and has not written."""
    read, found = sealing.last_sealed, []

    def interrupted():
        head = read()
        if connection.in_atomic_block and not found:
            found.append(in_another_session(call))
        return head

    monkeypatch.setattr(sealing, "last_sealed", interrupted)
    return found


@pytest.mark.django_db(transaction=True)
def test_a_second_sealer_goes_home(monkeypatch):
    happen(2)
    found = while_a_batch_is_sealed(monkeypatch, sealing._seal_batch)

    assert seal_outbox() == 2

    assert found == [[0]]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_sealers_want_one_place_and_the_constraint_refuses(monkeypatch):
    """The second one has not seen the first event, whose transaction had not ended."""
    _, second = happen(2)

    def seal_without_having_seen_the_first():
        OutboxEvent.objects.filter(pk=second.pk).update(sequence=1, seal="f" * 64, key_id="0" * 8)

    while_a_batch_is_sealed(monkeypatch, seal_without_having_seen_the_first)

    with pytest.raises(IntegrityError) as refused:
        seal_outbox()

    assert constraint_of(refused.value) == "outbox_event_one_a_place"
    assert places() == [1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"seal": "f" * 64}, "outbox_event_sealed_once"),
        ({"sequence": 9}, "outbox_event_sealed_once"),
        ({"sequence": None, "seal": "", "key_id": ""}, "outbox_event_sealed_once"),
    ],
)
def test_database_refuses_to_seal_again(change, rule):
    happen()
    seal_outbox()

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        OutboxEvent.objects.update(**change)

    assert constraint_of(refused.value) == rule
    assert prove_chain().found == 0


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"sequence": 1}, {"seal": "f" * 64}, {"sequence": 0, "seal": "f" * 64, "key_id": "0" * 8}])
def test_database_refuses_half_a_seal(change):
    happen()

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        OutboxEvent.objects.update(**change)

    assert constraint_of(refused.value) == "outbox_event_sealed_whole"


@pytest.mark.django_db
def test_database_refuses_a_place_twice():
    happen(2)

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        OutboxEvent.objects.update(sequence=1, seal="f" * 64, key_id="0" * 8)

    assert constraint_of(refused.value) == "outbox_event_one_a_place"


@pytest.mark.django_db
def test_database_refuses_to_empty_the_log():
    happen()
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL clinic.may_truncate = 'off'")

    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_outboxevent CASCADE")

    assert constraint_of(refused.value) == "outbox_event_not_truncated"
    assert OutboxEvent.objects.count() == 1
