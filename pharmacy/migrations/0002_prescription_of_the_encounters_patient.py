from django.db import migrations

# A prescription can only name the patient of its encounter.
ADD = """
ALTER TABLE pharmacy_prescription ADD CONSTRAINT prescription_of_the_encounters_patient
FOREIGN KEY (encounter_id, patient_id) REFERENCES patients_encounter (id, patient_id) DEFERRABLE INITIALLY IMMEDIATE
"""
DROP = "ALTER TABLE pharmacy_prescription DROP CONSTRAINT prescription_of_the_encounters_patient"


class Migration(migrations.Migration):
    dependencies = [("pharmacy", "0001_initial"), ("patients", "0001_initial")]
    operations = [migrations.RunSQL(ADD, DROP)]
