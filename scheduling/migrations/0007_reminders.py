import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Mail about appointments: what was sent, and who wants none."""

    dependencies = [
        ("patients", "0011_note_body_in_both"),
        ("scheduling", "0013_priority_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReminderOptOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                (
                    "by",
                    models.ForeignKey(
                        help_text="Who said so; empty by the mail's own link.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient",
                    models.OneToOneField(
                        help_text="Who wants none.", on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("day_before", "The day before")], help_text="Which of the appointment's reminders.", max_length=12
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("claimed", "Being sent"), ("sent", "Sent"), ("dropped", "Not needed any more"), ("failed", "Given up")],
                        default="claimed",
                        help_text="How far it got.",
                        max_length=8,
                    ),
                ),
                ("claim", models.UUIDField(help_text="Of the run that sends it; a run that lost its claim writes nothing.")),
                ("leased_until", models.DateTimeField(help_text="From then on another run may try, should this one have died.")),
                ("attempts", models.PositiveSmallIntegerField(default=1, help_text="How often it was tried.")),
                ("sent_at", models.DateTimeField(help_text="When the mail server took it.", null=True)),
                (
                    "appointment",
                    models.ForeignKey(
                        help_text="What is reminded of.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="scheduling.appointment",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("status", "claimed")), fields=["leased_until"], name="reminder_claimed")],
                "constraints": [
                    models.UniqueConstraint(fields=("appointment", "kind"), name="reminder_once_per_appointment_and_kind"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sent_at__isnull", False), ("status", "sent")),
                            models.Q(models.Q(("status", "sent"), _negated=True), ("sent_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="reminder_sent_with_time",
                    ),
                ],
            },
        ),
    ]
