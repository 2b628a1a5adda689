from django.db import migrations

# An invoice of an encounter can only name the patient of that encounter.
ADD = """
ALTER TABLE billing_invoice ADD CONSTRAINT invoice_of_the_encounters_patient
FOREIGN KEY (encounter_id, patient_id) REFERENCES patients_encounter (id, patient_id) DEFERRABLE INITIALLY IMMEDIATE
"""
DROP = "ALTER TABLE billing_invoice DROP CONSTRAINT invoice_of_the_encounters_patient"


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_sums_at_commit"), ("patients", "0001_initial")]
    operations = [migrations.RunSQL(ADD, DROP)]
