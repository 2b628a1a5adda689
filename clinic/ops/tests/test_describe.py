import re

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

import patients.stores
import scheduling.stores
from clinic.ops.describe.document import render_document, undescribed
from clinic.ops.describe.stores import MONGODB, REDIS

pytestmark = pytest.mark.django_db


def section(document: str, table: str) -> str:
    return document.partition(f"### {table}\n")[2].partition("\n### ")[0]


def test_every_table_and_column_says_what_it_means():
    assert undescribed() == []


def test_lists_every_table_of_the_models():
    document = render_document()

    own = [model._meta.db_table for label in ("accounts", "patients", "billing") for model in apps.get_app_config(label).get_models()]
    assert [table for table in own if f"### {table}\n" not in document] == []


def test_lists_every_constraint_and_trigger_that_the_database_holds():
    document = render_document()

    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'x', 'u')")
        constraints = [name for (name,) in cursor.fetchall() if not name.startswith(("auth_", "django_"))]
        cursor.execute("SELECT DISTINCT tgname FROM pg_trigger WHERE NOT tgisinternal")
        triggers = [re.sub(r"^pgtrigger_(.+)_[0-9a-f]{5}$", r"\1", name) for (name,) in cursor.fetchall()]
    assert [name for name in constraints + triggers if f"`{name}`" not in document] == []


def test_a_column_names_its_table_its_choices_and_its_meaning():
    patient = section(render_document(), "patients_patient")

    assert "| `mrn` | character varying(12) |  | Medical record number, with a check digit. |" in patient
    assert "→ `accounts_user`. The portal account." in patient
    assert "One of `female`, `male`, `other`, `unknown`." in patient


def test_a_constraint_that_only_a_migration_made_is_there():
    assert "FOREIGN KEY (encounter_id, patient_id) REFERENCES patients_encounter(id, patient_id)" in render_document()


def test_a_trigger_says_when_it_fires_and_what_it_refuses_with():
    assert "| `patient_kept` | before delete |  | these rows are never deleted |" in section(render_document(), "patients_patient")


def test_a_constraint_dropped_from_the_database_leaves_the_document():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE patients_patient DROP CONSTRAINT patient_has_a_name")

    assert "patient_has_a_name" not in render_document()


def test_draws_how_many_of_one_belong_to_how_many_of_the_other():
    document = render_document()

    assert "accounts_user ||--o| accounts_doctor : user" in document
    assert "accounts_user |o--o| patients_patient : user" in document
    assert "patients_patient ||--o{ patients_encounter : patient" in document


def test_the_same_database_gives_the_same_document():
    assert render_document() == render_document()


def test_a_materialized_view_is_listed():
    with connection.cursor() as cursor:
        cursor.execute("CREATE MATERIALIZED VIEW busy_days AS SELECT 1 AS visits; CREATE UNIQUE INDEX busy_days_once ON busy_days (visits)")

    view = section(render_document(), "busy_days")

    assert "| `visits` | integer |" in view
    assert "| `busy_days_once` | yes | `btree (visits)` |" in view


def test_check_passes_on_what_was_just_written_and_fails_on_a_change(tmp_path):
    output = tmp_path / "data-model.md"
    call_command("describe_data", output=output, verbosity=0)

    call_command("describe_data", output=output, check=True)
    output.write_text(output.read_text() + "by hand\n")

    with pytest.raises(CommandError, match="not current"):
        call_command("describe_data", output=output, check=True)
    assert output.read_text().endswith("by hand\n")


def test_refuses_a_database_that_is_not_migrated(tmp_path):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE billing_refund")

    with pytest.raises(CommandError, match="no billing_refund"):
        call_command("describe_data", output=tmp_path / "data-model.md")


def test_names_every_collection_that_the_outbox_ships_to():
    from clinic.audit.models import Topic

    assert {*Topic.values} <= {store.name for store in MONGODB}


def test_names_the_collection_and_the_keys_of_the_apps():
    keys = re.findall(r"^    (\S+:\S+) +(?:string|zset|hash)", scheduling.stores.__doc__, re.MULTILINE)

    assert patients.stores.COLLECTION in {store.name for store in MONGODB}
    assert len(keys) == 5
    assert set(keys) <= {store.name for store in REDIS}


def test_the_committed_document_is_current():
    written = (settings.BASE_DIR / "docs" / "data-model.md").read_text()

    assert written == render_document(), "run `manage.py describe_data`"
