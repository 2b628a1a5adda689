"""What the application's own database role can do, asked of PostgreSQL through a connection of that role."""

import contextlib

import psycopg
import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg.errors import InsufficientPrivilege, IntegrityConstraintViolation

from clinic.audit.models import OutboxEvent
from clinic.audit.services.recording import record
from clinic.core.privileges import ALL, all_privileges, privileges_of
from clinic.ops import checks
from clinic.ops.grants import grant_to
from clinic.ops.prove.chapters.rights import LEDGER
from patients.services.encounters import complete_visit
from patients.tests.factories import EncounterFactory, PatientFactory, VitalsFactory

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)  # another connection sees the rows

# What is signed, issued or handed out at some moment: changed until then, and removed never.
KEPT = [
    "billing_claim",
    "billing_invoice",
    "billing_onlinepayment",
    "billing_shift",
    "patients_encounter",
    "patients_patient",
    "pharmacy_batch",
    "pharmacy_prescription",
    "pharmacy_purchaseorder",
    "pharmacy_stocktake",
    "scheduling_appointment",
    "scheduling_token",
]


@pytest.fixture
def application(application_role):
    """A connection of the application's role, as a web process has it."""
    name, password = application_role
    parameters = connection.get_connection_params()
    where = {key: parameters[key] for key in ("host", "port", "dbname") if key in parameters}
    with psycopg.connect(user=name, password=password, autocommit=True, **where) as own:
        yield own


@contextlib.contextmanager
def refused(error=InsufficientPrivilege):
    with pytest.raises(error):
        yield


def columns_of(table: str) -> list[str]:
    sql = "SELECT column_name::text FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'"
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("table", [*LEDGER, *KEPT])
@pytest.mark.parametrize("verb", ["DELETE FROM", "TRUNCATE", "ALTER TABLE {} DISABLE TRIGGER ALL", "DROP TABLE", "MERGE"])
def test_nothing_of_the_ledger_can_be_removed(application, table, verb):
    if verb == "MERGE":
        statement = f"MERGE INTO {table} t USING {table} s ON t.id = s.id WHEN MATCHED THEN DELETE"
    else:
        statement = verb.format(table) if "{}" in verb else f"{verb} {table}"

    with refused():
        application.execute(statement)


@pytest.mark.parametrize("table", LEDGER)
def test_no_column_of_the_ledger_can_be_changed_but_the_few_that_are_written_later(application, table):
    later = {name for name in columns_of(table) if not _refuses_update(application, table, name)}

    assert later == LEDGER[table]


def _refuses_update(application, table: str, column: str) -> bool:
    """In both ways in which SQL can change a column of a row that is there."""
    ways = [
        f'UPDATE {table} SET "{column}" = "{column}" WHERE false',
        f'MERGE INTO {table} t USING {table} s ON false WHEN MATCHED THEN UPDATE SET "{column}" = s."{column}"',
    ]
    refusals = []
    for statement in ways:
        try:
            application.execute(statement)
            refusals.append(False)
        except InsufficientPrivilege:
            refusals.append(True)
    assert len(set(refusals)) == 1
    return refusals[0]


def test_every_table_has_exactly_its_declared_privileges(application, application_role):
    held = {}
    sql = """
        SELECT relname::text, verb FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES',
            'MAINTAIN']) verb
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND has_table_privilege(oid, verb)
    """
    for table, verb in application.execute(sql):
        held.setdefault(table, set()).add(verb)

    assert {table: held[table] for table in LEDGER} == {table: {"SELECT", "INSERT"} for table in LEDGER}
    assert held["django_migrations"] == {"SELECT"}
    assert held == {each.table: set(each.verbs) for each in all_privileges()} | {"django_migrations": {"SELECT"}}
    assert set().union(*held.values()) == ALL


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE patients_encounter (id bigint, status text)",  # a trigger's function would read this one
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE TRIGGER mine BEFORE INSERT ON pharmacy_stockmovement FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "SELECT setval(pg_get_serial_sequence('audit_outboxevent', 'id'), 1)",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "COPY audit_outboxevent FROM PROGRAM 'true'",
    ],
)
def test_what_would_disarm_a_trigger_is_refused(application, statement):
    with refused():
        application.execute(statement)


@committed
def test_a_signed_visit_cannot_be_changed_with_every_trigger_silenced(application):
    encounter = EncounterFactory()
    vitals = VitalsFactory(encounter=encounter)
    complete_visit(encounter_id=encounter.pk, by=encounter.doctor.user)
    ignored = application.execute("SELECT array_agg(tgname::text)::text FROM pg_trigger WHERE NOT tgisinternal").fetchone()[0]
    application.execute("SELECT set_config('pgtrigger.ignore', %s, false)", [ignored])

    for statement in (
        f"UPDATE patients_encounter SET reason = 'another' WHERE id = {encounter.pk}",
        f"UPDATE patients_vitals SET pulse_bpm = 60 WHERE id = {vitals.pk}",
        f"DELETE FROM patients_vitals WHERE id = {vitals.pk}",
    ):
        with refused(IntegrityConstraintViolation):
            application.execute(statement)


@committed
def test_an_event_cannot_be_sealed_twice_with_every_trigger_silenced(application):
    record(action="test.thing.done", actor=None)
    OutboxEvent.objects.update(sequence=1, seal="a" * 64, key_id="b" * 8)
    ignored = application.execute("SELECT array_agg(tgname::text)::text FROM pg_trigger WHERE NOT tgisinternal").fetchone()[0]
    application.execute("SELECT set_config('pgtrigger.ignore', %s, false)", [ignored])

    with refused(IntegrityConstraintViolation):
        application.execute("UPDATE audit_outboxevent SET sequence = 2")
    application.execute("SET clinic.may_truncate = 'on'")
    with refused():
        application.execute("TRUNCATE audit_outboxevent CASCADE")

    assert OutboxEvent.objects.get().sequence == 1


class TestOwnersFunctions:
    """What a merge may do to frozen rows, and nobody else by it."""

    @pytest.mark.parametrize(
        ("place", "column"), [("patients_encounter", "doctor_id"), ("patients_encounter", "id"), ("audit_outboxevent", "patient_id")]
    )
    def test_move_no_other_column(self, application, place, column):
        with refused(psycopg.errors.InvalidParameterValue):
            application.execute("SELECT clinic_refile(1, %s, %s, ARRAY[1], 1)", [place, column])
        with refused(psycopg.errors.InvalidParameterValue):
            application.execute("SELECT clinic_lock_pointing_rows(%s, %s, 1)", [place, column])

    @committed
    def test_move_nothing_without_a_merge(self, application):
        encounter, other = EncounterFactory(), PatientFactory()

        with refused(psycopg.errors.InvalidParameterValue):
            application.execute("SELECT clinic_refile(1, 'patients_encounter', 'patient_id', ARRAY[%s], %s)", [encounter.pk, other.pk])

        encounter.refresh_from_db()
        assert encounter.patient_id != other.pk

    def test_run_for_nobody_else(self, application_role):
        sql = "SELECT proacl::text FROM pg_proc WHERE proname IN ('clinic_refile', 'clinic_lock_pointing_rows')"
        with connection.cursor() as cursor:
            cursor.execute(sql)
            for (rights,) in cursor.fetchall():
                assert "{=X" not in rights
                assert ",=X" not in rights


@committed
def test_a_right_that_is_no_longer_declared_is_taken_back(application, application_role):
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON audit_outboxevent TO {application_role[0]}")
        cursor.execute(f"GRANT UPDATE (document) ON audit_outboxevent TO {application_role[0]}")

    grant_to(application_role[0])

    assert _refuses_update(application, "audit_outboxevent", "document")
    with refused():
        application.execute("DELETE FROM audit_outboxevent")


@committed
def test_migrate_and_the_command_give_the_rights(application, application_role, settings):
    name, _ = application_role
    settings.DATABASE_APP_URL = f"postgresql://{name}@127.0.0.1/clinic"

    for command in (["migrate"], ["grant_roles"]):
        with connection.cursor() as cursor:
            cursor.execute(f"REVOKE SELECT ON accounts_user FROM {name}")
        with refused():
            application.execute("SELECT FROM accounts_user")

        call_command(*command, verbosity=0)

        application.execute("SELECT FROM accounts_user")


def test_the_command_says_when_there_is_no_role(settings):
    settings.DATABASE_APP_URL = ""

    with pytest.raises(CommandError, match="DATABASE_APP_URL"):
        call_command("grant_roles")


def test_each_model_with_kept_rows_is_known_here():
    """A new table of the ledger gets its line there."""
    named = {each.table for each in map(privileges_of, apps.get_models()) if "UPDATE" not in each.verbs and len(each.updates) < 5}
    named -= {"auth_permission", "django_content_type"}
    known = set(LEDGER) | OTHER_FROZEN

    assert named - known == set()


# Frozen for other reasons than that they are a ledger.
OTHER_FROZEN = {"billing_package", "billing_packagepart", "patients_attachment", "pharmacy_countline", "pharmacy_purchaseorderline"}
OTHER_FROZEN |= {"pharmacy_treatmentline"}


class TestChecks:
    def test_warn_of_an_application_that_is_the_owner(self, settings):
        settings.DATABASE_APP_URL = ""
        assert "clinic.W001" in {each.id for each in run_checks(include_deployment_checks=True)}

        settings.DATABASE_APP_URL = "postgresql://app@127.0.0.1/clinic"
        assert "clinic.W001" not in {each.id for each in run_checks(include_deployment_checks=True)}

    def test_ask_the_database_who_owns_the_tables(self):
        found = run_checks(include_deployment_checks=True, databases=["default"])

        assert "clinic.W002" in {each.id for each in found}

    def test_find_nothing_with_a_role_of_its_own(self, as_application):
        assert checks.application_owns_no_table(None, databases=["default"]) == []
