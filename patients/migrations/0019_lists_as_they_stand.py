"""What stands on the lists already, from when it was entered: how it was changed before is not known."""

from django.db import migrations

STANDING = """
INSERT INTO patients_listentry (patient_id, kind, item, content, at)
SELECT patient_id, 'allergy', public_id, jsonb_build_object('substance', substance, 'reaction', reaction, 'severity', severity), created_at
  FROM patients_allergy;
INSERT INTO patients_listentry (patient_id, kind, item, content, at)
SELECT patient_id, 'problem', public_id, jsonb_build_object('text', text, 'code', code, 'onset_on', onset_on, 'is_active', is_active), created_at
  FROM patients_problem;
"""


class Migration(migrations.Migration):
    dependencies = [("patients", "0018_how_lists_stood")]

    operations = [migrations.RunSQL(STANDING, migrations.RunSQL.noop)]
