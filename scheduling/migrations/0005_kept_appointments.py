import uuid

from django.conf import settings
from django.db import migrations, models
from django.db.models.deletion import CASCADE, PROTECT
from django.db.models.functions.datetime import Now


class Migration(migrations.Migration):
    """Who decided that an appointment stays although leave closed its time."""

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("scheduling", "0004_appointment_booked_by_start")]

    operations = [
        migrations.CreateModel(
            name="KeptAppointment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
                (
                    "exception",
                    models.ForeignKey(
                        help_text="What closed the time.", on_delete=CASCADE, related_name="kept", to="scheduling.doctorexception"
                    ),
                ),
                (
                    "appointment",
                    models.ForeignKey(
                        help_text="What stays all the same.", on_delete=PROTECT, related_name="+", to="scheduling.appointment"
                    ),
                ),
                (
                    "kept_by",
                    models.ForeignKey(
                        help_text="Who decided.", null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="keptappointment",
            constraint=models.UniqueConstraint(fields=("exception", "appointment"), name="kept_appointment_once_per_exception"),
        ),
    ]
