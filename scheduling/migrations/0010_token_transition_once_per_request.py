from django.db import migrations, models


class Migration(migrations.Migration):
    """A button that is pressed twice calls, or takes back, once."""

    dependencies = [("scheduling", "0005_kept_appointments")]

    operations = [
        migrations.AddField(
            model_name="tokentransition",
            name="request_id",
            field=models.UUIDField(
                editable=False, help_text="Of the press of a button that made it: pressed twice, it acts once.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="tokentransition",
            constraint=models.UniqueConstraint(fields=["request_id"], name="token_transition_once_per_request"),
        ),
    ]
