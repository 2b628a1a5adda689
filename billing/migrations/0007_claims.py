import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_credit_notes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ClaimBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('payer', models.CharField(help_text='The insurer.', max_length=120)),
                ('request_id', models.UUIDField(editable=False, unique=True)),
                ('made_by', models.ForeignKey(help_text='Who made the file.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('number', models.CharField(help_text="The invoice's number, and which claim for it this is.", max_length=30, unique=True)),
                ('status', models.CharField(choices=[('submitted', 'Submitted'), ('accepted', 'Accepted'), ('rejected', 'Rejected'), ('paid', 'Paid')], default='submitted', max_length=10)),
                ('amount', models.DecimalField(decimal_places=2, help_text='What was claimed: all that the insurer owed then.', max_digits=12)),
                ('answered', models.DecimalField(blank=True, decimal_places=2, help_text='What the insurer accepted, or paid.', max_digits=12, null=True)),
                ('reason', models.CharField(blank=True, help_text='Why it was rejected, or answered with less.', max_length=200)),
                ('submitted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When.')),
                ('answered_at', models.DateTimeField(blank=True, help_text='When the last answer came.', null=True)),
                ('invoice', models.ForeignKey(help_text='What it is for.', on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='billing.invoice')),
                ('payment', models.OneToOneField(blank=True, help_text='What it brought.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claim', to='billing.payment')),
                ('submitted_by', models.ForeignKey(help_text='Who claimed.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('batch', models.ForeignKey(blank=True, help_text='The file it went in.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='billing.claimbatch')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claimbatch',
            trigger=pgtrigger.compiler.Trigger(name='claim_batch_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are only ever added to', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_batch_append_only';", hash='43f2e9cf1ad66c491db672f153931b4b254666f9', operation='UPDATE OR DELETE', pgid='pgtrigger_claim_batch_append_only_afec6', table='billing_claimbatch', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['status', 'id'], name='claim_by_status'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='claim_positive'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['submitted', 'accepted'])), fields=('invoice',), name='claim_one_live_per_invoice'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('answered__isnull', True), models.Q(('answered__gte', 0), ('answered__lte', models.F('amount'))), _connector='OR'), name='claim_answered_within_amount'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'rejected'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='claim_rejected_with_reason'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered__gt', 0), ('payment__isnull', False), ('status', 'paid')), models.Q(models.Q(('status', 'paid'), _negated=True), ('payment__isnull', True)), _connector='OR'), name='claim_paid_by_a_payment'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_closed_is_frozen', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."status" IN (\'rejected\', \'paid\'))', func="RAISE EXCEPTION USING MESSAGE = 'the claim is closed', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_closed_is_frozen';", hash='f78a59a616e01cdb4da1eae7bd64790c8e2289c8', operation='UPDATE', pgid='pgtrigger_claim_closed_is_frozen_54e75', table='billing_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are never deleted', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_kept';", hash='435f2c06a0ecc9965d247f80753736b850c3f19b', operation='DELETE', pgid='pgtrigger_claim_kept_40e51', table='billing_claim', when='BEFORE')),
        ),
    ]
