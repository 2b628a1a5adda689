from datetime import timedelta

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """What overlaps a day has begun at most 12 hours before it, so that an index on the start finds it."""

    dependencies = [("scheduling", "0002_appointment_by_start")]

    operations = [
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.CheckConstraint(
                condition=Q(during__endswith__lte=F("during__startswith") + timedelta(hours=12)), name="appointment_at_most_12_hours"
            ),
        ),
    ]
