from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_invoice_of_the_encounters_patient")]
    operations = [
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['issued_at'], name='invoice_by_issue'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('paid__lt', models.F('total')), ('state', 'issued')), fields=['id'], name='invoice_unpaid'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['received_at'], name='payment_by_time'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(fields=['refunded_at'], name='refund_by_time'),
        ),
    ]
