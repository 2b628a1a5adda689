from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists of all doctors go by the start."""

    dependencies = [("scheduling", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(models.Func(models.F("during"), function="lower"), models.F("id"), name="appointment_by_start"),
        ),
    ]
