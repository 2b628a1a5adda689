import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    """The order of a queue is one column: who came, less the head start of the priority."""

    dependencies = [("scheduling", "0010_token_transition_once_per_request")]

    operations = [
        migrations.AlterModelOptions(
            name='token',
            options={'ordering': ['on', 'turn_at', 'id']},
        ),
        migrations.RemoveIndex(
            model_name='token',
            name='token_next',
        ),
        migrations.AddField(
            model_name='token',
            name='turn_at',
            field=models.GeneratedField(db_persist=True, expression=models.Func(models.Value('UTC'), django.db.models.expressions.CombinedExpression(models.Func(models.Value('UTC'), models.F('effective_at'), function='timezone', output_field=models.DateTimeField()), '-', models.Func(models.Case(models.When(band=0, then=models.Value(2880)), models.When(band=1, then=models.Value(60)), models.When(band=2, then=models.Value(0))), output_field=models.DurationField(), template='make_interval(mins => %(expressions)s)'), output_field=models.DateTimeField()), function='timezone', output_field=models.DateTimeField()), help_text='What the order follows, the earliest first: effective_at less the head start of the band. Not a time to be seen at.', output_field=models.DateTimeField()),
        ),
        migrations.AlterField(
            model_name='token',
            name='effective_at',
            field=models.DateTimeField(help_text='From when on the patient counts as waiting: the later of appointment and check-in.'),
        ),
        migrations.AddIndex(
            model_name='token',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['queue', 'on', 'turn_at', 'id'], name='token_by_turn'),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('band', 0), ('priority', 'emergency')), models.Q(('band', 1), ('priority', 'urgent')), models.Q(('band', 2), ('priority', 'routine')), _connector='OR'), name='token_band_of_its_priority'),
        ),
    ]
