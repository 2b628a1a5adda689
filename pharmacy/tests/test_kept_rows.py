"""Every verb that would change or remove what the ledger rests on, sent as SQL by the application's own role."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from clinic.core.db import constraint_of
from patients.tests.factories import EncounterFactory
from pharmacy.services.recall import record_call
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import dispensed, line_of, pharmacist, signed, stocked, transferred

pytestmark = pytest.mark.django_db

# table: a change that would be worth hiding
CHANGES = {
    "pharmacy_stockmovement": "quantity = quantity + 1",
    "pharmacy_dispense": "override_reason = 'x'",
    "pharmacy_dispenseline": "quantity = quantity + 1",
    "pharmacy_dispensereturn": "reason = 'x'",
    "pharmacy_recallcall": "outcome = 'declined'",
    "pharmacy_prescription": "override_reason = 'x'",
    "pharmacy_prescriptionitem": "quantity = quantity + 1",
    "pharmacy_batch": "state = 'available'",
    "pharmacy_stocktransfer": "quantity = quantity + 1",
}


@pytest.fixture
def rows():
    """One row or more in each of the tables; the batch is recalled. The tests' leave to truncate is taken back."""
    batch = stocked(20)
    transferred(batch, 3)
    made = dispensed(signed(line_of(batch.medicine, 6), encounter=EncounterFactory()))
    return_dispensed(dispense_id=made.pk, to="batch", reason="wrong", by=pharmacist(), request_id=uuid4())
    change_batch_state(batch_id=batch.pk, to="recalled", reason="letter", by=None)
    patient = made.prescription.patient
    record_call(batch_id=batch.pk, patient_id=patient.pk, outcome="reached", by=pharmacist(), request_id=uuid4())
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL clinic.may_truncate = 'off'")


def contents():
    with connection.cursor() as cursor:
        found = {}
        for table in CHANGES:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


def refusal_of(sql: str) -> str:
    """The name of the rule that refused it."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return constraint_of(refused.value)


@pytest.mark.parametrize("table", CHANGES)
def test_no_row_can_be_changed_deleted_or_truncated(table, rows):
    before = contents()

    refusals = [
        refusal_of(f"UPDATE {table} SET {CHANGES[table]}"),
        refusal_of(f"DELETE FROM {table}"),
        refusal_of(f"TRUNCATE {table} CASCADE"),
    ]

    assert all(refusals)
    assert refusals[2].endswith("_not_truncated")
    assert contents() == before
    assert None not in before.values()


def test_nor_by_truncating_what_they_hang_on(rows):
    assert refusal_of("TRUNCATE patients_patient CASCADE").endswith("_not_truncated")


def test_the_refusal_is_the_triggers_doing(rows):
    """With the leave that only tests have, the same words pass: nothing else stands in the way."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL clinic.may_truncate = 'on'")
        cursor.execute("TRUNCATE pharmacy_stockmovement CASCADE")
        cursor.execute("SELECT count(*) FROM pharmacy_stockmovement")
        assert cursor.fetchone() == (0,)
