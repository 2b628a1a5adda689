import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    """Minutes of the doctor's time beside an appointment, which no other appointment may take."""

    dependencies = [("scheduling", "0015_predicted_waits")]

    operations = [
        migrations.RemoveConstraint(
            model_name='appointment',
            name='appointment_doctor_booked_once',
        ),
        migrations.AddField(
            model_name='appointment',
            name='buffer_after_minutes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, help_text='The same, after it.'),
        ),
        migrations.AddField(
            model_name='appointment',
            name='buffer_before_minutes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, help_text="Of the doctor's time before it, as its session had it when it was booked."),
        ),
        migrations.AddField(
            model_name='doctorexception',
            name='buffer_after_minutes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Of extra hours; see the weekly session.'),
        ),
        migrations.AddField(
            model_name='doctorexception',
            name='buffer_before_minutes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Of extra hours; see the weekly session.'),
        ),
        migrations.AddField(
            model_name='doctorsession',
            name='buffer_after_minutes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='The same, after each appointment.'),
        ),
        migrations.AddField(
            model_name='doctorsession',
            name='buffer_before_minutes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text="Of the doctor's time before each appointment; no part of what the patient sees."),
        ),
        migrations.AddField(
            model_name='appointment',
            name='occupied',
            field=models.GeneratedField(db_persist=True, expression=models.Func(models.Func(models.Value('UTC'), django.db.models.expressions.CombinedExpression(models.Func(models.Value('UTC'), models.Func(models.F('during'), function='lower'), function='timezone', output_field=models.DateTimeField()), '-', models.Func(models.F('buffer_before_minutes'), output_field=models.DurationField(), template='make_interval(mins => %(expressions)s)'), output_field=models.DateTimeField()), function='timezone', output_field=models.DateTimeField()), models.Func(models.Value('UTC'), django.db.models.expressions.CombinedExpression(models.Func(models.Value('UTC'), models.Func(models.F('during'), function='upper'), function='timezone', output_field=models.DateTimeField()), '+', models.Func(models.F('buffer_after_minutes'), output_field=models.DurationField(), template='make_interval(mins => %(expressions)s)'), output_field=models.DateTimeField()), function='timezone', output_field=models.DateTimeField()), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), help_text="[start, end) of the doctor's time that it takes, its buffers included. The patient sees `during`.", output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.CheckConstraint(condition=models.Q(('buffer_after_minutes__lte', 60), ('buffer_before_minutes__lte', 60)), name='appointment_buffers_at_most_60_min'),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('is_overbooked', False), ('status__in', ['booked', 'checked_in', 'in_consultation'])), expressions=[('doctor', '='), ('occupied', '&&')], name='appointment_doctor_booked_once', violation_error_message='The doctor is already booked at that time.'),
        ),
        migrations.AddConstraint(
            model_name='doctorexception',
            constraint=models.CheckConstraint(condition=models.Q(('buffer_after_minutes__lte', 60), ('buffer_before_minutes__lte', 60)), name='exception_buffers_at_most_60_min'),
        ),
        migrations.AddConstraint(
            model_name='doctorsession',
            constraint=models.CheckConstraint(condition=models.Q(('buffer_after_minutes__lte', 60), ('buffer_before_minutes__lte', 60)), name='session_buffers_at_most_60_min'),
        ),
    ]
