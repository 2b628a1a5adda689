from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("patients", "0003_patient_search")]

    operations = [
        migrations.AddField("encounter", "entered_in_error_reason", models.CharField(blank=True, editable=False, max_length=200)),
        migrations.AddConstraint(
            "encounter",
            models.CheckConstraint(
                condition=~models.Q(status="entered_in_error") | ~models.Q(entered_in_error_reason=""),
                name="encounter_in_error_with_reason",
            ),
        ),
    ]
