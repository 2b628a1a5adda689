from django.db import migrations, models


class Migration(migrations.Migration):
    """What a patient was told about the wait, to be compared with what it was."""

    dependencies = [("scheduling", "0014_slip_key")]

    operations = [
        migrations.AddField(
            model_name='token',
            name='predicted_high_min',
            field=models.PositiveSmallIntegerField(editable=False, help_text='In minutes; the upper end of the range.', null=True),
        ),
        migrations.AddField(
            model_name='token',
            name='predicted_low_min',
            field=models.PositiveSmallIntegerField(editable=False, help_text='The wait that was estimated when it was given.', null=True),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('predicted_high_min__isnull', True), ('predicted_low_min__isnull', True)), models.Q(('predicted_high_min__gte', models.F('predicted_low_min')), ('predicted_high_min__isnull', False), ('predicted_low_min__isnull', False)), _connector='OR'), name='token_prediction_is_a_range'),
        ),
    ]
