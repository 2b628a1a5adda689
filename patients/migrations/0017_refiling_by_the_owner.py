"""What a merge does to rows that the application's database role may not change: two functions that run as the owner.

clinic_refile moves rows between the two records of a merge that is not undone, in a column that refers to a
patient, and silences for that the triggers before an update of that table alone. Whoever calls it gets no
other right by it: the table must be the owner's own, and rows of other patients stay as they are.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION clinic_refers_to_patient(place regclass, name name) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM pg_constraint key
        JOIN pg_attribute col ON col.attrelid = key.conrelid AND key.conkey = ARRAY[col.attnum]
        JOIN pg_class here ON here.oid = key.conrelid
        JOIN pg_class patient ON patient.oid = key.confrelid
        WHERE key.contype = 'f' AND key.conrelid = place AND col.attname = name
          AND key.confrelid = 'public.patients_patient'::regclass AND here.relowner = patient.relowner
    )
$$;

CREATE FUNCTION clinic_lock_pointing_rows(place regclass, name name, patient bigint) RETURNS SETOF bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT public.clinic_refers_to_patient(place, name) THEN
        RAISE EXCEPTION '%.% refers to no patient', place, name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY EXECUTE format('SELECT id FROM %s WHERE %I = $1 ORDER BY id FOR NO KEY UPDATE', place, name) USING patient;
END
$$;

CREATE FUNCTION clinic_refile(merge bigint, place regclass, name name, ids bigint[], patient bigint) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    former text := COALESCE(NULLIF(current_setting('pgtrigger.ignore', true), ''), '{}');
    other bigint;
BEGIN
    IF NOT public.clinic_refers_to_patient(place, name) THEN
        RAISE EXCEPTION '%.% refers to no patient', place, name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT CASE patient WHEN survivor_id THEN loser_id WHEN loser_id THEN survivor_id END INTO other
      FROM public.patients_patientmerge WHERE id = merge AND undone_at IS NULL;
    IF other IS NULL THEN
        RAISE EXCEPTION 'no such merge of this patient' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM set_config('pgtrigger.ignore', (
        SELECT COALESCE(array_agg(tgname::text), '{}')::text FROM pg_trigger
        WHERE tgrelid = place AND NOT tgisinternal AND tgtype & 1 = 1 AND tgtype & 2 = 2 AND tgtype & 16 = 16
    ), true);
    EXECUTE format('UPDATE %s SET %I = $1 WHERE id = ANY($2) AND %I = $3', place, name, name) USING patient, ids, other;
    PERFORM set_config('pgtrigger.ignore', former, true);
END
$$;

REVOKE EXECUTE ON FUNCTION clinic_lock_pointing_rows(regclass, name, bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION clinic_refile(bigint, regclass, name, bigint[], bigint) FROM PUBLIC;
"""
DROP = """
DROP FUNCTION clinic_refile(bigint, regclass, name, bigint[], bigint);
DROP FUNCTION clinic_lock_pointing_rows(regclass, name, bigint);
DROP FUNCTION clinic_refers_to_patient(regclass, name);
"""


class Migration(migrations.Migration):
    dependencies = [("patients", "0016_codes_and_note_search")]

    operations = [migrations.RunSQL(FUNCTIONS, DROP)]
