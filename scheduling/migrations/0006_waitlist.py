import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Who waits for a time, and what was offered to whom."""

    dependencies = [
        ("accounts", "0002_roles"),
        ("patients", "0009_break_glass"),
        ("scheduling", "0011_token_turn"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WaitlistEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("first_on", models.DateField(help_text="The first day that suits.")),
                ("last_on", models.DateField(help_text="The last day that suits.")),
                (
                    "priority",
                    models.CharField(
                        choices=[("emergency", "Emergency"), ("urgent", "Urgent"), ("routine", "Routine")],
                        default="routine",
                        help_text="How urgent it is.",
                        max_length=10,
                    ),
                ),
                ("band", models.PositiveSmallIntegerField(editable=False, help_text="The priority as a number; lower comes first.")),
                ("reason", models.CharField(blank=True, help_text="Why the patient wants to come, for the appointment.", max_length=300)),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("booked", "Booked"), ("withdrawn", "Taken off"), ("lapsed", "Dates passed")],
                        default="waiting",
                        editable=False,
                        help_text="What became of it.",
                        max_length=10,
                    ),
                ),
                (
                    "request_id",
                    models.UUIDField(
                        editable=False, help_text="Of the form that made it: sent twice, it adds once.", null=True, unique=True
                    ),
                ),
                (
                    "added_by",
                    models.ForeignKey(
                        editable=False,
                        help_text="Who put the patient on the list.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "appointment",
                    models.OneToOneField(
                        editable=False,
                        help_text="What it was booked as.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        help_text="Or with any doctor of this department.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                    ),
                ),
                (
                    "doctor",
                    models.ForeignKey(
                        blank=True,
                        help_text="With this doctor.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.doctor",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        help_text="Who waits.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waitlist_entries",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "waitlist entries",
            },
        ),
        migrations.CreateModel(
            name="WaitlistOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("starts_at", models.DateTimeField(help_text="Start of the slot.")),
                ("ends_at", models.DateTimeField(help_text="End of the slot.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("expired", "Expired"),
                            ("withdrawn", "Taken back"),
                        ],
                        default="open",
                        help_text="What became of it.",
                        max_length=10,
                    ),
                ),
                ("expires_at", models.DateTimeField(help_text="From then on the time is offered to the next.")),
                ("closed_at", models.DateTimeField(help_text="When it was answered, expired or was taken back.", null=True)),
                (
                    "closed_by",
                    models.ForeignKey(
                        help_text="Who answered; empty when it expired.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "doctor",
                    models.ForeignKey(
                        help_text="Whose time it is.", on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.doctor"
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        help_text="Whom it is offered to.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="scheduling.waitlistentry",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                models.F("band"),
                models.F("created_at"),
                models.F("id"),
                condition=models.Q(("status", "waiting")),
                name="waitlist_entry_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("department__isnull", True), ("doctor__isnull", False)),
                    models.Q(("department__isnull", False), ("doctor__isnull", True)),
                    _connector="OR",
                ),
                name="waitlist_entry_of_doctor_or_department",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_on__gte", models.F("first_on"))), name="waitlist_entry_days_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("appointment__isnull", False), ("status", "booked")),
                    models.Q(models.Q(("status", "booked"), _negated=True), ("appointment__isnull", True)),
                    _connector="OR",
                ),
                name="waitlist_entry_booked_with_appointment",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "waiting")), fields=("patient", "doctor"), name="waitlist_entry_waits_once_per_doctor"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "waiting")), fields=("patient", "department"), name="waitlist_entry_waits_once_per_department"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waitlistentry",
            trigger=pgtrigger.compiler.Trigger(
                name="waitlist_entry_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION USING MESSAGE = 'these rows are never deleted', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'waitlist_entry_kept';",
                    hash="b69728df1e9be56f673bd7358675431a2d1357b2",
                    operation="DELETE",
                    pgid="pgtrigger_waitlist_entry_kept_663a2",
                    table="scheduling_waitlistentry",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistoffer",
            index=models.Index(condition=models.Q(("status", "open")), fields=["expires_at"], name="waitlist_offer_open"),
        ),
        migrations.AddConstraint(
            model_name="waitlistoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="waitlist_offer_ends_after_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__lte", models.F("starts_at"))), name="waitlist_offer_expires_before_its_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("status", "open")),
                    models.Q(models.Q(("status", "open"), _negated=True), ("closed_at__isnull", False)),
                    _connector="OR",
                ),
                name="waitlist_offer_closed_with_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistoffer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "open")), fields=("doctor", "starts_at"), name="waitlist_offer_slot_to_one_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistoffer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "open")), fields=("entry",), name="waitlist_offer_one_open_per_entry"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistoffer",
            constraint=models.UniqueConstraint(fields=("entry", "doctor", "starts_at"), name="waitlist_offer_slot_once_per_entry"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waitlistoffer",
            trigger=pgtrigger.compiler.Trigger(
                name="waitlist_offer_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION USING MESSAGE = 'these rows are never deleted', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'waitlist_offer_kept';",
                    hash="3c2b350bdd2b872a7e90aed695de9341c02efdb2",
                    operation="DELETE",
                    pgid="pgtrigger_waitlist_offer_kept_6b711",
                    table="scheduling_waitlistoffer",
                    when="BEFORE",
                ),
            ),
        ),
    ]
