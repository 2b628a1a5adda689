"""Each check finds the row that someone spoiled who may switch off every trigger, and calls an untouched clinic in order."""

import io
from contextlib import contextmanager
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from analytics.checks.registry import CHECKS
from analytics.checks.results import TOO_LONG, Check
from analytics.etl.running import run_etl
from analytics.services.self_check import rows_of, run_checks
from billing.services.deposits import take_deposit
from billing.tests.factories import cashier, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent, Topic
from clinic.audit.services.relay import relay_outbox
from clinic.audit.services.sealing import seal_outbox
from clinic.core import mongo
from clinic.core.redis import client, key
from patients.models import ClinicalNote, Refiling
from patients.services.encounters import complete_visit
from patients.services.merging import merge_patients
from patients.services.notes import ship_notes
from patients.tests.factories import ClinicalNoteFactory, PatientFactory, VitalsFactory
from pharmacy.models import StockMovement
from pharmacy.tests.factories import dispensed, line_of, signed, stocked
from scheduling.services.projection import rebuild
from scheduling.tests.factories import TokenFactory

pytestmark = pytest.mark.django_db
PAGE = "/audit/self-check/"


def empty_mongodb():
    for name in (*Topic.values, "audit_anchors", "clinical_notes", "attachments.files", "attachments.chunks"):
        mongo.database()[name].delete_many({})


@pytest.fixture
def clinic(settings):
    """One of everything that is looked at, sealed and shipped."""
    url = settings.MONGODB_URL
    empty_mongodb()
    yield _one_of_everything()
    settings.MONGODB_URL = url
    mongo.breaker.reset()
    empty_mongodb()


def _one_of_everything() -> dict:
    batch = stocked(20)
    given = dispensed(signed(line_of(batch.medicine, 6)))
    teller = cashier()
    invoice = issued(teller)
    pay(invoice, teller)
    note = ClinicalNoteFactory()
    visit = complete_visit(encounter_id=VitalsFactory().encounter_id, by=user(Role.DOCTOR))
    deposit = take_deposit(patient_id=invoice.patient_id, method="card", amount=Decimal("20.00"), by=teller, request_id=uuid4())
    token = TokenFactory(on=timezone.localdate(), number=1)
    rebuild(timezone.localdate())
    run_etl()
    seal_outbox()
    relay_outbox()
    return {"batch": batch, "line": given.lines.get(), "invoice": invoice, "note": note, "token": token, "visit": visit, "deposit": deposit}


@contextmanager
def without_triggers(*tables):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def found() -> dict[str, list[str]]:
    return {result.check.name: [finding.row for finding in result.findings] for result in run_checks(CHECKS) if not result.holds}


def spoil(table: str, change: str, row) -> None:
    with without_triggers(table) as cursor:
        cursor.execute(f"UPDATE {table} SET {change} WHERE id = %s", [row.pk])


def test_an_untouched_clinic_is_in_order(clinic):
    out = io.StringIO()
    call_command("verify", stdout=out)

    assert "All in order." in out.getvalue()
    assert len(out.getvalue().splitlines()) == len(CHECKS) + 1


def test_stock_that_no_movement_explains(clinic):
    spoil("pharmacy_batch", "on_hand = on_hand + 3", clinic["batch"])

    assert found() == {"stock": [str(clinic["batch"].public_id)]}


def test_a_movement_that_was_changed(clinic):
    movement = StockMovement.objects.order_by("pk").last()
    spoil("pharmacy_stockmovement", "quantity = quantity - 1", movement)

    rows = found()
    assert rows["stock"] == [str(clinic["batch"].public_id)]
    assert rows["ledger"] == [str(movement.public_id)]
    assert rows["dispensed"] == [str(clinic["line"].public_id)]


def test_a_line_that_handed_out_what_no_movement_says(clinic):
    spoil("pharmacy_dispenseline", "quantity = quantity + 1", clinic["line"])

    line = clinic["line"]
    assert found() == {"dispensed": [str(line.public_id)], "prescribed": [str(line.item.public_id)], "star": [str(line.public_id)]}


def test_an_invoice_that_is_not_its_lines(clinic):
    spoil("billing_invoice", "total = total + 1", clinic["invoice"])

    assert found() == {"invoices": [str(clinic["invoice"].public_id)]}


def test_a_payment_that_was_changed(clinic):
    payment = clinic["invoice"].payments.get()
    spoil("billing_payment", "amount = amount - 1, tendered = NULL, change = 0", payment)

    assert found() == {"payments": [str(clinic["invoice"].public_id)], "star": [str(payment.public_id)]}


def test_a_refund_that_nobody_gave(clinic):
    payment = clinic["invoice"].payments.get()
    spoil("billing_payment", "refunded = 1", payment)

    assert set(found()["payments"]) == {str(payment.public_id), str(clinic["invoice"].public_id)}


def test_a_credit_without_a_note(clinic):
    spoil("billing_invoice", "credited = 1", clinic["invoice"])

    assert found() == {"credits": [str(clinic["invoice"].public_id)]}


def test_an_advance_that_pays_what_nobody_knows_of(clinic):
    spoil("billing_deposit", "applied = 3", clinic["deposit"])

    assert found() == {"deposits": [str(clinic["deposit"].public_id)]}


def test_an_advance_that_nobody_gave_back(clinic):
    spoil("billing_deposit", "refunded = 3", clinic["deposit"])

    assert found() == {"deposits": [str(clinic["deposit"].public_id)]}


@pytest.mark.parametrize("number", ["INV-{year}-000003", "INV-{year}-3", "INV-1999-000002", "X"])
def test_an_invoice_with_a_number_that_was_not_its_turn(clinic, number):
    year = timezone.localdate().year
    spoil("billing_invoice", f"number = '{number.format(year=year)}'", clinic["invoice"])

    assert str(clinic["invoice"].public_id) in found()["numbers"]


def test_a_number_that_no_invoice_has(clinic):
    year = timezone.localdate().year
    with without_triggers("billing_invoicecounter") as cursor:
        cursor.execute("UPDATE billing_invoicecounter SET last_number = last_number + 1 WHERE year = %s", [year])

    assert found() == {"numbers": [f"INV-{year}"]}


def test_a_signed_visit_that_was_changed(clinic):
    spoil("patients_vitals", "pulse_bpm = pulse_bpm + 1", clinic["visit"].vitals.get())

    assert found() == {"signatures": [str(clinic["visit"].public_id)]}


def test_a_signed_visit_that_lost_a_part(clinic):
    with without_triggers("patients_vitals") as cursor:
        cursor.execute("DELETE FROM patients_vitals WHERE encounter_id = %s", [clinic["visit"].pk])

    assert found() == {"signatures": [str(clinic["visit"].public_id)]}


def test_a_merged_visit_is_still_what_was_signed(clinic):
    visit = clinic["visit"]
    survivor = PatientFactory()
    merge_patients(survivor_id=survivor.pk, loser_id=visit.patient_id, reason="Twice", by=user(Role.ADMIN), now=timezone.now())
    seal_outbox()
    relay_outbox()

    assert found() == {}


def test_a_number_that_was_left_out(clinic):
    token = clinic["token"]
    spoil("scheduling_token", "number = number + 7", token)
    rebuild(token.on)

    assert found() == {"tokens": [f"{token.queue.code} on {token.on}"]}


def test_a_note_that_is_not_what_was_written(clinic):
    spoil("patients_clinicalnote", "sha256 = repeat('0', 64)", clinic["note"])

    assert found() == {"notes": [str(clinic["note"].public_id)]}


def test_a_note_that_mongodb_lost(clinic):
    ship_notes()
    ClinicalNote.objects.filter(pk=clinic["note"].pk).update(body=None, stored_at=timezone.now())
    mongo.database()["clinical_notes"].delete_many({"_id": str(clinic["note"].public_id)})

    assert found() == {"notes": [str(clinic["note"].public_id)], "filing": [str(clinic["note"].public_id)]}


def test_a_note_under_another_patient_and_one_that_no_visit_knows(clinic):
    ship_notes()
    notes, stranger = mongo.database()["clinical_notes"], str(uuid4())
    document = notes.find_one({"_id": str(clinic["note"].public_id)})
    notes.insert_one(document | {"_id": stranger})
    notes.update_one({"_id": document["_id"]}, {"$set": {"patient": stranger}})

    assert set(found()["filing"]) == {document["_id"], stranger}


def test_a_note_that_waits_to_be_filed_under_the_survivor_is_in_order(clinic):
    ship_notes()
    note = clinic["note"]
    mongo.database()["clinical_notes"].update_one({"_id": str(note.public_id)}, {"$set": {"patient": str(uuid4())}})
    Refiling.objects.create(encounter=note.encounter)

    assert found() == {}


def test_a_queue_that_redis_forgot(clinic):
    token = clinic["token"]
    for name in client().scan_iter(key("queue:*")):
        client().delete(name)

    assert found() == {"live queue": [f"{token.queue.code} on {token.on}"]}


def test_an_audit_event_that_was_edited(clinic):
    event = OutboxEvent.objects.audit().sealed().first()
    spoil("audit_outboxevent", "action = 'test.thing.other'", event)

    assert found() == {"audit": [str(event.event_id)]}


def test_a_copy_in_mongodb_that_was_edited(clinic):
    event = OutboxEvent.objects.filter(topic=Topic.STOCK).first()
    mongo.database()[Topic.STOCK].update_one({"_id": event.event_id}, {"$set": {"quantity": 999}})

    assert found() == {"audit": [str(event.event_id)]}


def test_what_cannot_be_read_is_not_called_in_order(clinic, mongodb_down):
    out = io.StringIO()
    with pytest.raises(CommandError, match="audit"):
        call_command("verify", stdout=out)

    assert "MongoDB cannot be reached" in out.getvalue()


def test_the_command_names_the_row(clinic):
    spoil("pharmacy_batch", "on_hand = on_hand + 3", clinic["batch"])
    out = io.StringIO()

    with pytest.raises(CommandError, match="stock"):
        call_command("verify", only=["stock", "invoices"], stdout=out)

    assert f"{clinic['batch'].public_id}: 17 on hand, but its movements add up to 14" in out.getvalue()


@pytest.mark.parametrize("role", Role)
def test_the_page_is_for_managers_and_administrators(role, client_as):
    allowed = role in {Role.MANAGER, Role.ADMIN}

    assert client_as(user(role)).get(PAGE).status_code == (200 if allowed else 403)
    assert client_as(user(role)).post(PAGE).status_code == (200 if allowed else 403)


def test_the_page_shows_what_was_found_and_that_someone_looked(clinic, client_as):
    manager = client_as(user(Role.MANAGER))
    assert manager.get(PAGE).context["results"] == []
    spoil("pharmacy_batch", "on_hand = on_hand + 3", clinic["batch"])

    page = manager.post(PAGE)

    assert [result.check.name for result in page.context["failed"]] == ["stock"]
    assert str(clinic["batch"].public_id) in page.content.decode()
    run = OutboxEvent.objects.get(action="analytics.self_check.run")
    assert (run.document["changes"]["stock"], run.document["changes"]["invoices"]) == ("found", "ok")


def test_what_does_not_fit_into_the_wait_is_unknown():
    results = list(run_checks(CHECKS, in_all=0))

    assert {result.status for result in results} == {"unknown"}


def test_a_query_that_takes_too_long_is_unknown():
    [result] = run_checks([Check("slow", "It ends", lambda seconds: rows_of("SELECT pg_sleep(9)::text, ''")(0.01))])

    assert (result.status, result.unknown) == ("unknown", TOO_LONG)
