from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seal_chain")]

    operations = [
        migrations.RunSQL("UPDATE audit_answeredrequest SET body = 'null' WHERE body IS NULL", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="answeredrequest",
            name="body",
            field=models.TextField(help_text="JSON, as it was sent."),
        ),
        migrations.AddField(
            model_name="answeredrequest",
            name="etag",
            field=models.CharField(blank=True, db_default="", help_text="Of the answer, where it had one.", max_length=40),
        ),
    ]
