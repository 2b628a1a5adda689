import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
        ("pharmacy", "0013_when_needed_has_maximum"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Favourite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('dose', models.CharField(help_text="What is taken at a time, e.g. '1 tablet'.", max_length=60)),
                ('route', models.CharField(default='oral', help_text='oral, topical, inhaled, ..., or plain words.', max_length=40)),
                ('frequency', models.CharField(help_text='A code (OD, BD, TDS, QID, PRN, STAT, ...), or plain words.', max_length=40)),
                ('max_doses_a_day', models.PositiveSmallIntegerField(blank=True, help_text='With PRN: the most that is taken; else empty.', null=True)),
                ('duration_days', models.PositiveSmallIntegerField(help_text='Length of the course of one filling.')),
                ('quantity', models.PositiveIntegerField(help_text='Units of the medicine, for one filling.')),
                ('repeats', models.PositiveSmallIntegerField(default=0, help_text='How often it may be filled again.')),
                ('instructions', models.CharField(blank=True, help_text='What the patient is told besides.', max_length=300)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='favourite',
            name='added_by',
            field=models.ForeignKey(help_text='Who kept it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='favourite',
            name='doctor',
            field=models.ForeignKey(blank=True, help_text="Whose it is; empty: everyone's.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='favourites', to='accounts.doctor'),
        ),
        migrations.AddField(
            model_name='favourite',
            name='medicine',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pharmacy.medicine'),
        ),
        migrations.AddConstraint(
            model_name='favourite',
            constraint=models.UniqueConstraint(fields=('doctor', 'medicine', 'dose', 'route', 'frequency', 'duration_days', 'instructions'), name='favourite_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='favourite',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='favourite_quantity_positive'),
        ),
        migrations.AddConstraint(
            model_name='favourite',
            constraint=models.CheckConstraint(condition=models.Q(('duration_days__range', (1, 366))), name='favourite_duration_within_1_to_366_days'),
        ),
        migrations.AddConstraint(
            model_name='favourite',
            constraint=models.CheckConstraint(condition=models.Q(('max_doses_a_day__isnull', True), ('max_doses_a_day__range', (1, 24)), _connector='OR'), name='favourite_max_doses_within_1_to_24'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='favourite',
            trigger=pgtrigger.compiler.Trigger(name='favourite_when_needed_has_maximum', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (NEW.frequency = 'PRN' AND NEW.max_doses_a_day IS NULL)", func="RAISE EXCEPTION USING MESSAGE = 'what is taken when needed has a maximum', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'favourite_when_needed_has_maximum';", hash='a258b7a02f9aa23491e021f39709ffa21a972171', operation='INSERT OR UPDATE OF "frequency", "max_doses_a_day"', pgid='pgtrigger_favourite_when_needed_has_maximum_52642', table='pharmacy_favourite', when='BEFORE')),
        ),
    ]
