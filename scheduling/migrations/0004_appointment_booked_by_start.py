from django.db import migrations, models


class Migration(migrations.Migration):
    """What is still booked is few among all that ever was."""

    dependencies = [("scheduling", "0003_appointment_at_most_12_hours")]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                models.Func(models.F("during"), function="lower"),
                models.F("id"),
                name="appointment_booked_by_start",
                condition=models.Q(status="booked"),
            ),
        ),
    ]
