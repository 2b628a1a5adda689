import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Recurring appointments: asked for at once, booked one by one, each date with what became of it."""

    dependencies = [
        ('accounts', '0002_roles'),
        ('patients', '0011_note_body_in_both'),
        ('scheduling', '0016_buffers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SeriesDate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('on', models.DateField(help_text="In the clinic's calendar.")),
                ('refusal_code', models.CharField(blank=True, editable=False, help_text='Why it was not booked.', max_length=40)),
                ('refusal_detail', models.CharField(blank=True, editable=False, help_text='The same in a sentence.', max_length=300)),
            ],
            options={
                'ordering': ['series', 'on'],
            },
        ),
        migrations.CreateModel(
            name='AppointmentSeries',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('starts_at', models.DateTimeField(help_text='Start of the first one.')),
                ('every_weeks', models.PositiveSmallIntegerField(help_text='Weeks from one to the next.')),
                ('reason', models.CharField(blank=True, help_text="Of each appointment, in the patient's words.", max_length=300)),
                ('request_id', models.UUIDField(editable=False, help_text='Of the request: sent twice, it makes one series.', unique=True)),
                ('booked_by', models.ForeignKey(editable=False, help_text='Who asked for it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('doctor', models.ForeignKey(help_text='To whom.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.doctor')),
                ('patient', models.ForeignKey(help_text='Who comes.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
            ],
            options={
                'verbose_name_plural': 'appointment series',
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='appointment',
            name='series',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, help_text='The recurring appointments that it is one of, also after it was moved.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='appointments', to='scheduling.appointmentseries'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('series__isnull', False)), fields=['series'], name='appointment_by_series'),
        ),
        migrations.AddField(
            model_name='seriesdate',
            name='appointment',
            field=models.OneToOneField(editable=False, help_text='As what it was booked.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='seriesdate',
            name='series',
            field=models.ForeignKey(help_text='What it is a date of.', on_delete=django.db.models.deletion.PROTECT, related_name='dates', to='scheduling.appointmentseries'),
        ),
        migrations.AddConstraint(
            model_name='appointmentseries',
            constraint=models.CheckConstraint(condition=models.Q(('every_weeks__gte', 1), ('every_weeks__lte', 12)), name='series_every_1_to_12_weeks'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appointmentseries',
            trigger=pgtrigger.compiler.Trigger(name='series_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are never deleted', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'series_kept';", hash='2317f44d89d03e5f650b6e55d7dcd0bda587bb93', operation='DELETE', pgid='pgtrigger_series_kept_6f540', table='scheduling_appointmentseries', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='seriesdate',
            constraint=models.UniqueConstraint(fields=('series', 'on'), name='series_date_once'),
        ),
        migrations.AddConstraint(
            model_name='seriesdate',
            constraint=models.CheckConstraint(condition=models.Q(('appointment__isnull', True), ('refusal_code', ''), _connector='OR'), name='series_date_booked_or_refused'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='seriesdate',
            trigger=pgtrigger.compiler.Trigger(name='series_date_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are never deleted', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'series_date_kept';", hash='ce1a59082076db4cc44cf70046c1e7445b603173', operation='DELETE', pgid='pgtrigger_series_date_kept_5c7c6', table='scheduling_seriesdate', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='seriesdate',
            trigger=pgtrigger.compiler.Trigger(name='series_date_decided_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."appointment_id" IS NOT NULL OR NOT (OLD."refusal_code" = \'\'))', func="RAISE EXCEPTION USING MESSAGE = 'what became of a date of a series is said once', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'series_date_decided_once';", hash='769751f89946a3759bb39607cc4298d295512301', operation='UPDATE', pgid='pgtrigger_series_date_decided_once_d889c', table='scheduling_seriesdate', when='BEFORE')),
        ),
    ]
