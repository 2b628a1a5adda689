from django.db import migrations, models


class Migration(migrations.Migration):
    """Who changed a priority, from what to what, and why."""

    dependencies = [("scheduling", "0012_token_transfers")]

    operations = [
        migrations.AddField(
            model_name='tokentransition',
            name='from_priority',
            field=models.CharField(blank=True, choices=[('emergency', 'Emergency'), ('urgent', 'Urgent'), ('routine', 'Routine')], help_text='What the priority was before.', max_length=10),
        ),
        migrations.AddField(
            model_name='tokentransition',
            name='reason',
            field=models.CharField(blank=True, help_text='Why the priority changed.', max_length=200),
        ),
        migrations.AddField(
            model_name='tokentransition',
            name='to_priority',
            field=models.CharField(blank=True, choices=[('emergency', 'Emergency'), ('urgent', 'Urgent'), ('routine', 'Routine')], help_text='Where the priority changed.', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='tokentransition',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_priority', ''), ('to_priority', '')), models.Q(models.Q(('from_priority', ''), _negated=True), models.Q(('to_priority', ''), _negated=True), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='token_transition_priority_with_reason'),
        ),
    ]
