from django.db import migrations

# Row triggers do not see TRUNCATE. It is refused by a trigger on the statement; only a session that has said
# `SET clinic.may_truncate = 'on'` gets through, which the tests' flush does and nothing else.
TABLES = (
    "pharmacy_batch",
    "pharmacy_dispense",
    "pharmacy_dispenseline",
    "pharmacy_dispensereturn",
    "pharmacy_prescription",
    "pharmacy_prescriptionitem",
    "pharmacy_recallcall",
    "pharmacy_stockmovement",
)
FUNCTION = """
CREATE FUNCTION pharmacy_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('clinic.may_truncate', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION USING MESSAGE = 'these rows are kept', ERRCODE = 'integrity_constraint_violation',
            CONSTRAINT = TG_TABLE_NAME || '_not_truncated';
    END IF;
    RETURN NULL;
END $$
"""


def _trigger(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON {table} EXECUTE FUNCTION pharmacy_refuse_truncate()",
        f"DROP TRIGGER {table}_not_truncated ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("pharmacy", "0007_witnessed_movements")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION pharmacy_refuse_truncate()"), *(_trigger(table) for table in TABLES)]
