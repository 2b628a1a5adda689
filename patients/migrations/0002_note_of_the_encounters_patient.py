from django.db import migrations

# A note can only name the patient of its encounter.
ADD = """
ALTER TABLE patients_clinicalnote ADD CONSTRAINT note_of_the_encounters_patient
FOREIGN KEY (encounter_id, patient_id) REFERENCES patients_encounter (id, patient_id) DEFERRABLE INITIALLY IMMEDIATE
"""
DROP = "ALTER TABLE patients_clinicalnote DROP CONSTRAINT note_of_the_encounters_patient"


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial")]
    operations = [migrations.RunSQL(ADD, DROP)]
