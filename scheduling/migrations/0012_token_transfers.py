import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A patient who is sent to another queue keeps the time since which they wait."""

    dependencies = [("scheduling", "0006_waitlist")]

    operations = [
        migrations.AddField(
            model_name='token',
            name='transferred_from',
            field=models.OneToOneField(editable=False, help_text='The token of another queue that this one goes on from.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transferred_to', to='scheduling.token'),
        ),
    ]
