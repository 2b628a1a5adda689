from django.db import migrations

# {table: (the subject of the row itself, {column: subject of the row it points at, whose facts change too})}
# One statement writes to the queue once, however many rows it changes. Subjects are analytics.models.Subject's.
WATCHED = {
    "accounts_department": ("department", {}),
    "accounts_doctor": ("doctor", {}),
    "patients_patient": ("patient", {}),
    "patients_encounter": ("visit", {}),
    "scheduling_appointment": ("appointment", {"encounter_id": "visit"}),
    "scheduling_token": (None, {"encounter_id": "visit"}),
    "pharmacy_medicine": ("medicine", {}),
    "pharmacy_prescription": ("prescription", {}),
    "pharmacy_dispenseline": ("dispense", {}),
    "billing_invoice": ("invoice", {"encounter_id": "visit"}),
    "billing_payment": ("payment", {}),
    "billing_refund": ("refund", {}),
}
# Busy tables of which one column matters: {table: (subject, columns)}
WATCHED_COLUMNS = {
    "accounts_user": ("user", ["username", "first_name", "last_name"]),
    "pharmacy_batch": ("batch", ["unit_cost"]),
}


def rows_of(subject: str | None, pointing: dict[str, str], *tables: str) -> str:
    """What goes into the queue: with both tables, what a row pointed at before and what it points at now."""
    parts = [f"SELECT '{subject}', id FROM {tables[0]}"] if subject else []
    parts += [f"SELECT '{to}', {column} FROM {table} WHERE {column} IS NOT NULL" for column, to in pointing.items() for table in tables]
    return "INSERT INTO analytics_change (subject, source_id) " + " UNION ".join(parts) + ";"


def watch(table: str, subject: str | None, pointing: dict[str, str]) -> str:
    name = f"analytics_watch_{table}"
    return f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN {rows_of(subject, pointing, "new_rows")}
            ELSIF TG_OP = 'UPDATE' THEN {rows_of(subject, pointing, "new_rows", "old_rows")}
            ELSE {rows_of(subject, pointing, "old_rows")}
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER {name}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION {name}();
        CREATE TRIGGER {name}_update AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION {name}();
        CREATE TRIGGER {name}_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION {name}();
    """


def watch_columns(table: str, subject: str, columns: list[str]) -> str:
    name = f"analytics_watch_{table}"
    old, new = (", ".join(f"{of}.{column}" for column in columns) for of in ("OLD", "NEW"))
    return f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO analytics_change (subject, source_id) VALUES ('{subject}', NEW.id);
            RETURN NULL;
        END $$;
        CREATE TRIGGER {name} AFTER UPDATE OF {", ".join(columns)} ON {table}
            FOR EACH ROW WHEN (ROW({old}) IS DISTINCT FROM ROW({new})) EXECUTE FUNCTION {name}();
    """


def unwatch(table: str) -> str:
    return f"DROP FUNCTION analytics_watch_{table}() CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0001_star_schema"),
        ("accounts", "0001_initial"),
        ("patients", "0001_initial"),
        ("scheduling", "0001_initial"),
        ("pharmacy", "0001_initial"),
        ("billing", "0001_initial"),
    ]
    operations = [
        *[migrations.RunSQL(watch(table, *what), unwatch(table)) for table, what in WATCHED.items()],
        *[migrations.RunSQL(watch_columns(table, *what), unwatch(table)) for table, what in WATCHED_COLUMNS.items()],
    ]
