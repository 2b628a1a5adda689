from django.db import migrations

# A function, because only a function can set the threshold for itself alone: the server's own 0.6 does not
# forgive two swapped letters of a short name. One word is compared with the words of a name, several with
# the whole name. The trigram index on search_name answers both.
CREATE = """
CREATE FUNCTION clinic_similar_patients(typed text, most integer) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET pg_trgm.word_similarity_threshold = 0.4
AS $$
DECLARE
    name text := clinic_unaccent(lower(typed));
BEGIN
    IF position(' ' IN name) > 0 THEN
        RETURN QUERY SELECT id FROM patients_patient WHERE search_name % name
                      ORDER BY similarity(search_name, name) DESC, sort_name, id LIMIT most;
    ELSE
        RETURN QUERY SELECT id FROM patients_patient WHERE search_name %> name
                      ORDER BY word_similarity(name, search_name) DESC, sort_name, id LIMIT most;
    END IF;
END $$
"""
DROP = "DROP FUNCTION clinic_similar_patients(text, integer)"


class Migration(migrations.Migration):
    dependencies = [("patients", "0004_encounter_in_error_reason")]
    operations = [migrations.RunSQL(CREATE, DROP)]
