"""Every verb that would change or remove what the ledger rests on, sent as SQL: by who owns the tables, whom only the triggers
stop, and by the application's role, which has no right to try."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from clinic.core.db import constraint_of
from clinic.core.privileges import privileges_of
from patients.tests.factories import EncounterFactory
from pharmacy.models import Supplier
from pharmacy.services.equivalents import approve_equivalent, withdraw_equivalent
from pharmacy.services.leaflets import load_leaflets
from pharmacy.services.purchasing import place_order, receive_order
from pharmacy.services.recall import record_call
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state
from pharmacy.services.stocktaking import approve_stock_take, open_stock_take, write_counts
from pharmacy.tests.factories import TODAY, MedicineFactory, dispensed, line_of, pharmacist, signed, soon, stocked, transferred
from pharmacy.tests.test_treating import treated

pytestmark = pytest.mark.django_db

# The tables whose rows the triggers declare as kept: a new one is tested from the day on which it is there.
RIGHTS = {model: privileges_of(model) for model in apps.get_app_config("pharmacy").get_models()}
KEPT = {model._meta.db_table: model for model, rights in RIGHTS.items() if "DELETE" not in rights.verbs}
FROZEN = [
    (rights.table, field)
    for model, rights in RIGHTS.items()
    for field in model._meta.local_concrete_fields
    if "UPDATE" not in rights.verbs and field.column not in rights.updates and rights.table in KEPT
]
# Another value of a column's type.
ANOTHER = {
    "bigint": "COALESCE({}, 0) + 1", "integer": "COALESCE({}, 0) + 1", "numeric": "COALESCE({}, 0) + 1", "boolean": "NOT {}",
    "varchar": "CASE {} WHEN '' THEN 'x' ELSE '' END", "text": "COALESCE({}, '') || 'x'", "uuid": "gen_random_uuid()",
    "date": "COALESCE({}, current_date) + 1", "timestamp": "COALESCE({}, now()) + interval '1 day'",
    "jsonb": "{} || jsonb_build_object('x', 1)",
}  # fmt: skip
# What some rows of a table no longer allow, since they are signed, closed, recalled, withdrawn, given.
ENDED = {
    "pharmacy_prescription": "override_reason = 'x'",
    "pharmacy_prescriptionitem": "quantity = quantity + 1",
    "pharmacy_batch": "state = 'available'",
    "pharmacy_equivalent": "withdrawn_at = NULL, withdrawn_by_id = NULL",
    "pharmacy_stocktake": "title = 'x'",
    "pharmacy_countline": "counted = 0",
    "pharmacy_purchaseorderline": "received_quantity = 0",
    "pharmacy_dispenseline": "returned_quantity = 0",
    "pharmacy_treatmentline": "returned_quantity = -1",
}


@pytest.fixture
def rows():
    """One row or more in each of the tables, ended where it can end. The tests' leave to truncate is taken back."""
    batch, by = stocked(40), pharmacist()
    transferred(batch, 3)
    made = dispensed(signed(line_of(batch.medicine, 6), encounter=EncounterFactory()))
    return_dispensed(dispense_id=made.pk, to="batch", reason="wrong", by=by, request_id=uuid4())
    treated((batch.medicine, 2))
    pair = approve_equivalent(medicine=batch.medicine, other=MedicineFactory(), reason="of like effect", by=by)
    withdraw_equivalent(pair_id=pair.pk, by=by)
    _tell_about(batch.medicine)
    _order(batch.medicine, by)
    take = open_stock_take(which="all", search=batch.medicine.name, by=by, request_id=uuid4())
    write_counts(take_id=take.pk, counts={line.public_id: line.expected for line in take.lines.all()}, by=by)
    approve_stock_take(take_id=take.pk, by=pharmacist())
    change_batch_state(batch_id=batch.pk, to="recalled", reason="letter", by=None)
    record_call(batch_id=batch.pk, patient_id=made.prescription.patient_id, outcome="reached", by=by, request_id=uuid4())
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL clinic.may_truncate = 'off'")


def _tell_about(medicine) -> None:
    words = dict.fromkeys(("what_for", "how_to_take", "when_not", "side_effects", "storage", "source"), "Plain words.")
    text = words | {"name": medicine.name, "form": medicine.form, "reviewed_on": "2027-01-15"}
    load_leaflets(leaflets=[text], on=TODAY)


def _order(medicine, by) -> None:
    lines = [{"medicine": medicine, "quantity": 10, "unit_cost": 1}]
    order = place_order(supplier_id=Supplier.objects.create(name="Medsupply").pk, lines=lines, by=by, request_id=uuid4())
    pack = {"lot": "L1", "expires_on": soon(300), "quantity": 4}
    receive_order(order_id=order.pk, line=order.lines.get().public_id, by=by, on=TODAY, request_id=uuid4(), **pack)


@pytest.fixture
def as_the_application(rows, application_role):
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {application_role[0]}")


def contents() -> dict[str, str]:
    with connection.cursor() as cursor:
        found = {}
        for table in KEPT:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


def refusal_of(sql: str) -> str:
    """The name of the rule that refused it."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return constraint_of(refused.value)


def assert_no_right(sql: str) -> None:
    with pytest.raises(ProgrammingError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert isinstance(refused.value.__cause__, InsufficientPrivilege)


def changed(table: str, field) -> str:
    """All rows get another value there."""
    kind = field.db_type(connection).split("(")[0].split(" ")[0]
    return f'UPDATE {table} SET "{field.column}" = ' + ANOTHER[kind].format(f'"{field.column}"')


def rules_of(table: str) -> set[str]:
    return {trigger.name for model in RIGHTS if model._meta.db_table == table for trigger in model._meta.triggers}


def test_there_is_a_row_of_each(rows):
    assert None not in contents().values()


class TestTriggers:
    @pytest.mark.parametrize("table", KEPT)
    def test_refuse_to_delete_and_to_truncate(self, table, rows):
        before = contents()

        assert refusal_of(f"DELETE FROM {table}") in rules_of(table)
        assert refusal_of(f"TRUNCATE {table} CASCADE").endswith("_not_truncated")

        assert contents() == before

    @pytest.mark.parametrize("table", sorted({table for table, _ in FROZEN}))
    def test_refuse_to_change_any_column_that_is_not_written_later(self, table, rows):
        before = contents()

        for name, field in FROZEN:
            if name == table:
                assert refusal_of(changed(table, field)) in rules_of(table), field.column

        assert contents() == before

    @pytest.mark.parametrize("table", ENDED)
    def test_refuse_to_change_what_has_ended(self, table, rows):
        before = contents()

        assert refusal_of(f"UPDATE {table} SET {ENDED[table]}") in rules_of(table)

        assert contents() == before

    def test_refuse_to_truncate_what_they_hang_on(self, rows):
        assert refusal_of("TRUNCATE patients_patient CASCADE").endswith("_not_truncated")

    def test_are_what_refuses(self, rows):
        """With the leave that only tests have, the same words pass: nothing else stands in the way of who owns the tables."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL clinic.may_truncate = 'on'")
            cursor.execute("TRUNCATE pharmacy_stockmovement CASCADE")
            cursor.execute("SELECT count(*) FROM pharmacy_stockmovement")
            assert cursor.fetchone() == (0,)


@pytest.mark.usefixtures("as_the_application")
class TestApplicationsRole:
    @pytest.mark.parametrize("table", KEPT)
    def test_may_neither_delete_nor_truncate(self, table):
        before = contents()

        for verb in ("DELETE FROM", "TRUNCATE"):
            assert_no_right(f"{verb} {table}")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL clinic.may_truncate = 'on'")
        assert_no_right(f"TRUNCATE {table} CASCADE")

        assert contents() == before

    @pytest.mark.parametrize("table", sorted({table for table, _ in FROZEN}))
    def test_may_not_change_any_column_that_is_not_written_later(self, table):
        for name, field in FROZEN:
            if name == table:
                assert_no_right(changed(table, field))

    @pytest.mark.parametrize("table", ENDED)
    def test_is_stopped_by_the_triggers_where_it_has_the_right(self, table):
        assert refusal_of(f"UPDATE {table} SET {ENDED[table]}") in rules_of(table)
