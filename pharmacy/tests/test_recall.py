"""A recalled batch: who was given it, and how it went to tell them."""

import random
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, RequestReused
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.errors import BatchStateRefused, NotRecalled, WrongBatch
from pharmacy.models import Batch, RecallCall
from pharmacy.selectors.recall import recipients_of
from pharmacy.services.recall import record_call
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state, receive_batch
from pharmacy.tests.factories import TODAY, MedicineFactory, dispensed, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"


def given(batch, patient=None, quantity=4, on=TODAY):
    """A patient who was given that many units of the batch."""
    encounter = EncounterFactory(patient=patient or PatientFactory())
    prescription = signed(line_of(batch.medicine, quantity), encounter=encounter, reason="once more")
    item = {"item": prescription.items.get().public_id, "quantity": quantity, "batch": batch.public_id}
    return dispensed(prescription, on=on, items=[item], override_reason="once more")


def recall(batch):
    return change_batch_state(batch_id=batch.pk, to="recalled", reason="Letter of the maker", by=None)


def told(batch, patient, outcome="reached", **options):
    return record_call(batch_id=batch.pk, patient_id=patient.pk, outcome=outcome, by=pharmacist(), **({"request_id": uuid4()} | options))


INDEPENDENT = """
SELECT patient.public_id::text, patient.phone, SUM(-moved.quantity) FILTER (WHERE moved.kind = 'OUT'),
       COALESCE(SUM(moved.quantity) FILTER (WHERE moved.kind = 'RETURN'), 0)
  FROM pharmacy_stockmovement moved
  JOIN pharmacy_batch batch ON batch.id = moved.batch_id
  JOIN pharmacy_dispenseline line ON line.id = moved.dispense_line_id
  JOIN pharmacy_prescriptionitem item ON item.id = line.item_id
  JOIN pharmacy_prescription prescription ON prescription.id = item.prescription_id
  JOIN patients_patient patient ON patient.id = prescription.patient_id
 WHERE batch.lot = %s GROUP BY 1, 2 ORDER BY 1
"""


def test_the_list_is_what_the_ledger_says():
    medicine = MedicineFactory()
    batch, other = stocked(100, medicine=medicine, lot="BAD"), stocked(100, medicine=medicine, lot="GOOD", expires_on=soon(20))
    patients = [PatientFactory(phone=f"+1202555{n:04}") for n in range(6)]
    for n, patient in enumerate(patients):
        given(batch if n % 3 else other, patient, quantity=n + 1)
    given(batch, patients[1], quantity=7)
    back = given(batch, patients[4], quantity=3)
    return_dispensed(dispense_id=back.pk, to="quarantine", reason="unopened", by=pharmacist(), request_id=uuid4())
    aside = Batch.objects.get(returned_from=batch)
    change_batch_state(batch_id=aside.pk, to="available", reason="looked at", by=None)
    given(aside, patients[0], quantity=2)

    with connection.cursor() as cursor:
        cursor.execute(INDEPENDENT, ["BAD"])
        expected = cursor.fetchall()
    listed = sorted((str(each.patient.public_id), str(each.patient.phone), each.units, each.returned) for each in recipients_of(batch))

    assert len(expected) == 5
    assert listed == expected
    assert recipients_of(aside) == recipients_of(batch)


def test_nothing_of_a_recalled_batch_goes_out_or_comes_in():
    batch = stocked(10)
    prescription = signed(line_of(batch.medicine, 4))
    recall(batch)

    with pytest.raises(WrongBatch):
        dispensed(prescription, items=[{"item": prescription.items.get().public_id, "quantity": 4, "batch": batch.public_id}])
    with pytest.raises(BatchStateRefused):
        receive_batch(
            medicine_id=batch.medicine_id, lot=batch.lot, expires_on=batch.expires_on, quantity=5, unit_cost="1", by=None, on=TODAY
        )

    assert batch.movements.count() == 1


def test_the_last_call_counts_and_the_settled_stand_below():
    batch = stocked(50)
    first, second = PatientFactory(), PatientFactory()
    given(batch, first)
    given(batch, second, on=soon(-3))
    recall(batch)

    told(batch, first, "no_answer")
    told(batch, first, "returned", note="brings it today")

    rows = recipients_of(batch)
    assert [(row.patient, row.calls, row.is_settled) for row in rows] == [(second, 0, False), (first, 2, True)]
    assert rows[1].last_call.outcome == "returned"
    assert OutboxEvent.objects.filter(action="pharmacy.batch.recipient_called", patient_id=first.public_id).count() == 2


def test_a_call_written_twice_is_one_call():
    batch = stocked(50)
    patient, other = PatientFactory(), PatientFactory()
    given(batch, patient)
    given(batch, other)
    recall(batch)
    request_id = uuid4()

    assert told(batch, patient, request_id=request_id) == told(batch, patient, request_id=request_id)
    with pytest.raises(RequestReused):
        told(batch, other, request_id=request_id)
    with pytest.raises(RequestReused):
        told(batch, patient, "no_answer", request_id=request_id)

    assert RecallCall.objects.count() == 1


def test_only_recipients_of_a_recalled_batch_are_called():
    batch, stranger = stocked(50), PatientFactory()
    patient = given(batch).prescription.patient

    with pytest.raises(NotRecalled):
        told(batch, patient)
    recall(batch)
    with pytest.raises(InvalidInput):
        told(batch, stranger)
    with pytest.raises(InvalidInput):
        told(batch, patient, "shouted")

    assert not RecallCall.objects.exists()


def test_the_database_keeps_strangers_and_other_batches_out_of_the_list():
    batch, stranger = stocked(50), PatientFactory()
    patient = given(batch).prescription.patient

    def call(whom):
        return RecallCall.objects.create(batch=batch, patient=whom, outcome="reached", called_by=pharmacist(), request_id=uuid4())

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        call(patient)
    assert constraint_of(refused.value) == "recall_call_of_a_recipient_recalled"
    recall(batch)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        call(stranger)
    assert constraint_of(refused.value) == "recall_call_of_a_recipient"
    made = call(patient)
    for change in (lambda: RecallCall.objects.filter(pk=made.pk).update(outcome="returned"), made.delete):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            change()
        assert constraint_of(refused.value) == "recall_call_append_only"


def test_the_api_lists_recipients_and_takes_calls(api_as):
    batch = stocked(50, on=timezone.localdate(), expires_on=soon(900))
    patient = PatientFactory(phone="+12025550199")
    given(batch, patient, on=timezone.localdate())
    client, url = api_as(user(Role.PHARMACIST)), f"{V1}batches/{batch.public_id}/"
    body = {"patient": str(patient.public_id), "outcome": "no_answer"}

    early = client.post(url + "calls/", body)
    client.post(url + "recall/", {"reason": "Letter"})
    made = client.post(url + "calls/", body, headers={"Idempotency-Key": "one"})
    again = client.post(url + "calls/", body, headers={"Idempotency-Key": "one"})
    [row] = client.get(url + "recipients/").data["results"]

    assert (early.status_code, early.data["code"]) == (409, "not_recalled")
    assert made.status_code == again.status_code == 201
    assert made.data == again.data
    assert (row["patient"], row["phone"], row["units"], row["outcome"], row["calls"]) == (
        str(patient.public_id), "+12025550199", 4, "no_answer", 1,
    )  # fmt: skip
    assert client.post(url + "calls/", body | {"patient": str(uuid4())}).status_code == 400
    assert client.post(url + "calls/", body | {"outcome": "x"}).status_code == 400
    assert OutboxEvent.objects.filter(action="pharmacy.batch.recipients_read").exists()
    for role in (Role.MANAGER, Role.RECEPTION, Role.PATIENT):
        assert api_as(user(role)).get(url + "recipients/").status_code == 403


@pytest.mark.parametrize("rows", [3, 30])
def test_the_call_list_is_flat_in_queries(rows, client_as, django_assert_max_num_queries):
    batch = stocked(500)
    for _ in range(rows):
        told_one = given(batch).prescription.patient
    recall(batch)
    told(batch, told_one)
    client = client_as(user(Role.PHARMACIST))

    with django_assert_max_num_queries(12):
        page = client.get(reverse("pharmacy:recipients", args=[batch.public_id]))

    assert page.content.decode().count("How the call to") == rows


def test_a_call_is_written_down_on_the_page(client_as):
    batch = stocked(50)
    patient = given(batch).prescription.patient
    client = client_as(user(Role.PHARMACIST))
    form = {"patient": patient.public_id, "outcome": "reached", "note": "comes tomorrow", "request_id": uuid4()}
    to = reverse("pharmacy:recall_call", args=[batch.public_id])

    early = client.post(to, form)
    recall(batch)
    done = client.post(to, form)
    page = client.get(reverse("pharmacy:recipients", args=[batch.public_id]))

    assert early.status_code == 409
    assert "not recalled" in early.content.decode()
    assert done.status_code == 302
    assert "comes tomorrow" in page.content.decode()
    assert client.post(to, form | {"outcome": ""}).status_code == 400
    assert RecallCall.objects.count() == 1
    assert client_as(user(Role.MANAGER)).get(reverse("pharmacy:recipients", args=[batch.public_id])).status_code == 403


@pytest.mark.parametrize("seed", range(3))
def test_the_list_is_what_the_ledger_says_whatever_happened(seed):
    """Fillings, parts, repeats, returns to both places and releases, by chance; another lot beside it."""
    chance = random.Random(seed)
    medicine = MedicineFactory()
    bad, good = stocked(500, medicine=medicine, lot="BAD"), stocked(500, medicine=medicine, lot="GOOD")
    patients = [PatientFactory(phone=f"+1202555{n:04}") for n in range(5)]
    for _ in range(14):
        encounter = EncounterFactory(patient=chance.choice(patients))
        prescription = signed(line_of(medicine, 10, repeats=2), encounter=encounter, reason="once more")
        for _ in range(chance.randrange(1, 4)):
            item = {"item": prescription.items.get().public_id, "quantity": chance.randrange(1, 9)}
            made = dispensed(prescription, items=[item | {"batch": chance.choice([bad, good]).public_id}], override_reason="once more")
            if chance.random() < 0.4:
                back = [{"line": line.public_id, "quantity": chance.randint(1, line.quantity)} for line in made.lines.all()]
                place = chance.choice(["batch", "quarantine"])
                return_dispensed(dispense_id=made.pk, lines=back, to=place, reason="unopened", by=pharmacist(), request_id=uuid4())

    with connection.cursor() as cursor:
        cursor.execute(INDEPENDENT, ["BAD"])
        expected = cursor.fetchall()
    listed = sorted((str(each.patient.public_id), str(each.patient.phone), each.units, each.returned) for each in recipients_of(bad))

    assert any(row[3] for row in expected)
    assert listed == expected
