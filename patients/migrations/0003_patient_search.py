from django.db import migrations, models
from django.db.models.functions import Collate, Concat, Lower, Reverse

from patients.models.patient import Unaccent


class Migration(migrations.Migration):
    dependencies = [("patients", "0002_note_of_the_encounters_patient")]

    operations = [
        migrations.AddField(
            "patient",
            "sort_name",
            models.GeneratedField(
                expression=Unaccent(Lower(Concat(models.F("last_name"), models.Value(" "), models.F("first_name")))),
                output_field=models.TextField(db_collation="C"),
                db_persist=True,
            ),
        ),
        migrations.AddIndex("patient", models.Index(fields=["sort_name", "id"], name="patient_by_sort_name")),
        migrations.AddIndex("patient", models.Index(Collate("search_name", "C"), models.F("id"), name="patient_by_given_name")),
        migrations.AddIndex(
            "patient",
            models.Index(
                Collate(Reverse("phone"), "C"),
                condition=models.Q(("phone", ""), _negated=True),
                name="patient_by_phone_ending",
            ),
        ),
    ]
