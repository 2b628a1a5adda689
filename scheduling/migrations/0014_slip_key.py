import django.contrib.postgres.functions
from django.db import migrations, models


class Migration(migrations.Migration):
    """A key of each token that its slip alone carries."""

    dependencies = [("scheduling", "0007_reminders"), ("scheduling", "0013_priority_changes")]

    operations = [
        migrations.AddField(
            model_name='token',
            name='slip_key',
            field=models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), editable=False, help_text='Opens the public page of its place in the queue; stands on the slip only.', unique=True),
        ),
    ]
