
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

# What insurers paid before there were shares: it becomes their share, put on the lines from the first on.
SHARES_OF_WHAT_WAS_PAID = """
WITH insured AS (
    SELECT payment.invoice_id, SUM(payment.amount - payment.refunded) AS paid
      FROM billing_payment payment WHERE payment.method = 'insurance' GROUP BY payment.invoice_id
), placed AS (
    SELECT line.id, LEAST(line.total, GREATEST(0, insured.paid - COALESCE(SUM(line.total) OVER before, 0))) AS share
      FROM billing_invoiceline line JOIN insured USING (invoice_id)
    WINDOW before AS (PARTITION BY line.invoice_id ORDER BY line.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
UPDATE billing_invoiceline line SET insurer_share = placed.share FROM placed WHERE placed.id = line.id AND placed.share > 0;

UPDATE billing_invoice invoice
   SET insurer_share = lines.share, insurer_paid = lines.share,
       payer = COALESCE(NULLIF(patient.insurance_payer, ''), 'Insurance'), policy_number = patient.insurance_policy_number
  FROM (SELECT invoice_id, SUM(insurer_share) AS share FROM billing_invoiceline GROUP BY invoice_id) lines, patients_patient patient
 WHERE lines.invoice_id = invoice.id AND patient.id = invoice.patient_id AND lines.share > 0;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0004_hot_reads'),
        ('patients', '0007_blood_group_labels'),
        ('pharmacy', '0004_ledger_and_frozen_prescriptions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='invoice',
            name='invoice_issued_is_frozen',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='invoice',
            name='invoice_lines_add_up',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='invoice',
            name='invoice_payments_add_up',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='invoiceline',
            name='line_of_issued_invoice_frozen',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='invoiceline',
            name='line_keeps_the_total',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='payment',
            name='payment_counts_as_paid',
        ),
        migrations.RemoveIndex(
            model_name='invoice',
            name='invoice_unpaid',
        ),
        migrations.AddField(
            model_name='invoice',
            name='cover_percent',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, help_text='What the insurer bears of each line.'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='declined',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text="Of the insurer's share, what fell back to the patient.", max_digits=12),
        ),
        migrations.AddField(
            model_name='invoice',
            name='insurer_paid',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text='Of `paid`, what the insurer paid.', max_digits=12),
        ),
        migrations.AddField(
            model_name='invoice',
            name='insurer_share',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text='The sum of what the insurer bears of the lines.', max_digits=12),
        ),
        migrations.AddField(
            model_name='invoice',
            name='payer',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='The insurer, as of its making.', max_length=120),
        ),
        migrations.AddField(
            model_name='invoice',
            name='policy_number',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='Of the patient then.', max_length=60),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='insurer_share',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text='What the insurer bears of the total.', max_digits=12),
        ),
        migrations.RunSQL(SHARES_OF_WHAT_WAS_PAID, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('state', 'issued'), models.Q(('paid__lt', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('insurer_paid'), '+', models.F('total')), '-', models.F('insurer_share')), '+', models.F('declined'))), ('insurer_paid__lt', django.db.models.expressions.CombinedExpression(models.F('insurer_share'), '-', models.F('declined'))), _connector='OR')), fields=['id'], name='invoice_unpaid'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='invoice_issued_is_frozen', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.state <> 'draft' AND (\n        NEW.state = 'draft' OR (OLD.state = 'void' AND NEW.state <> 'void')\n        OR (NEW.patient_id, NEW.encounter_id, NEW.number, NEW.issued_at, NEW.total, NEW.insurer_share, NEW.payer, NEW.policy_number)\n           IS DISTINCT FROM\n           (OLD.patient_id, OLD.encounter_id, OLD.number, OLD.issued_at, OLD.total, OLD.insurer_share, OLD.payer, OLD.policy_number)\n    ))", func="RAISE EXCEPTION USING MESSAGE = 'the invoice is issued', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_issued_is_frozen';", hash='5ff2f99a951d912071641ad402db09eadc087fc5', operation='UPDATE', pgid='pgtrigger_invoice_issued_is_frozen_21327', table='billing_invoice', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='invoice_lines_add_up', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE invoice billing_invoice%ROWTYPE; lines_total numeric; lines_share numeric; differs boolean;', func="\n            SELECT * INTO invoice FROM billing_invoice WHERE id = COALESCE(NEW.id, OLD.id);\n            SELECT COALESCE(SUM(total), 0), COALESCE(SUM(insurer_share), 0), COALESCE(BOOL_OR(is_void <> (invoice.state = 'void')), FALSE)\n              INTO lines_total, lines_share, differs FROM billing_invoiceline WHERE invoice_id = invoice.id;\n            IF invoice.total <> lines_total THEN\n                RAISE EXCEPTION USING MESSAGE = 'the lines do not add up to the total', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_total_is_the_sum_of_its_lines';\n            END IF;\n            IF invoice.insurer_share <> lines_share THEN\n                RAISE EXCEPTION USING MESSAGE = 'the shares of the lines do not add up', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_shares_are_the_sums_of_its_lines';\n            END IF;\n            IF differs THEN\n                RAISE EXCEPTION USING MESSAGE = 'a line is void exactly when its invoice is', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_lines_are_void_with_it';\n            END IF;\n            RETURN NULL;\n        ", hash='63b0c556b9560efa7f6a2bdec55ca7ae9df53d24', operation='INSERT OR UPDATE OF "total", "insurer_share", "state"', pgid='pgtrigger_invoice_lines_add_up_d81bf', table='billing_invoice', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='invoice_payments_add_up', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE invoice billing_invoice%ROWTYPE; received numeric; insured numeric;', func="\n            SELECT * INTO invoice FROM billing_invoice WHERE id = NEW.id;\n            SELECT COALESCE(SUM(amount - refunded), 0), COALESCE(SUM(amount - refunded) FILTER (WHERE method = 'insurance'), 0)\n              INTO received, insured FROM billing_payment WHERE invoice_id = invoice.id;\n            IF invoice.paid <> received OR invoice.insurer_paid <> insured THEN\n                RAISE EXCEPTION USING MESSAGE = 'the payments do not add up to what is paid', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_paid_is_the_sum_of_its_payments';\n            END IF;\n            RETURN NULL;\n        ", hash='eded20716cd5a9320c1e29d1bcb5b396fb794896', operation='INSERT OR UPDATE OF "paid", "insurer_paid"', pgid='pgtrigger_invoice_payments_add_up_1bcb1', table='billing_invoice', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoiceline',
            trigger=pgtrigger.compiler.Trigger(name='line_of_issued_invoice_frozen', sql=pgtrigger.compiler.UpsertTriggerSql(declare="DECLARE invoice_state text; unchecked text[] := '{is_void,patient_share}';", func="\n            SELECT state INTO invoice_state FROM billing_invoice\n             WHERE id = COALESCE(NEW.invoice_id, OLD.invoice_id) FOR SHARE;\n            IF TG_OP = 'UPDATE' AND NEW.invoice_id <> OLD.invoice_id THEN\n                RAISE EXCEPTION USING MESSAGE = 'a line stays on its invoice', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_stays_on_its_invoice';\n            END IF;\n            IF invoice_state = 'draft' THEN\n                RETURN COALESCE(NEW, OLD);\n            END IF;\n            IF invoice_state = 'void' AND TG_OP = 'UPDATE' AND NEW.is_void AND NOT OLD.is_void\n               AND to_jsonb(NEW) - unchecked = to_jsonb(OLD) - unchecked THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING MESSAGE = 'the invoice is issued', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_of_issued_invoice_frozen';\n        ", hash='a1826cd4dd439ae8affe9c6df3a5db19e4b01c4f', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_line_of_issued_invoice_frozen_5c56f', table='billing_invoiceline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoiceline',
            trigger=pgtrigger.compiler.Trigger(name='line_keeps_the_total', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE invoice billing_invoice%ROWTYPE; lines_total numeric; lines_share numeric; differs boolean;', func="\n            SELECT * INTO invoice FROM billing_invoice WHERE id = COALESCE(NEW.invoice_id, OLD.invoice_id);\n            SELECT COALESCE(SUM(total), 0), COALESCE(SUM(insurer_share), 0), COALESCE(BOOL_OR(is_void <> (invoice.state = 'void')), FALSE)\n              INTO lines_total, lines_share, differs FROM billing_invoiceline WHERE invoice_id = invoice.id;\n            IF invoice.total <> lines_total THEN\n                RAISE EXCEPTION USING MESSAGE = 'the lines do not add up to the total', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_total_is_the_sum_of_its_lines';\n            END IF;\n            IF invoice.insurer_share <> lines_share THEN\n                RAISE EXCEPTION USING MESSAGE = 'the shares of the lines do not add up', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_shares_are_the_sums_of_its_lines';\n            END IF;\n            IF differs THEN\n                RAISE EXCEPTION USING MESSAGE = 'a line is void exactly when its invoice is', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_lines_are_void_with_it';\n            END IF;\n            RETURN NULL;\n        ", hash='65281691097e5b32b0be3caf80d297990f3ab458', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_line_keeps_the_total_12921', table='billing_invoiceline', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payment',
            trigger=pgtrigger.compiler.Trigger(name='payment_counts_as_paid', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE invoice billing_invoice%ROWTYPE; received numeric; insured numeric;', func="\n            SELECT * INTO invoice FROM billing_invoice WHERE id = NEW.invoice_id;\n            SELECT COALESCE(SUM(amount - refunded), 0), COALESCE(SUM(amount - refunded) FILTER (WHERE method = 'insurance'), 0)\n              INTO received, insured FROM billing_payment WHERE invoice_id = invoice.id;\n            IF invoice.paid <> received OR invoice.insurer_paid <> insured THEN\n                RAISE EXCEPTION USING MESSAGE = 'the payments do not add up to what is paid', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_paid_is_the_sum_of_its_payments';\n            END IF;\n            RETURN NULL;\n        ", hash='4f4a472816e97d817ac733636d0fe0af738df146', operation='INSERT OR UPDATE', pgid='pgtrigger_payment_counts_as_paid_ea079', table='billing_payment', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('cover_percent__range', (0, 100))), name='invoice_cover_within_0_to_100'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('insurer_share__gte', 0), ('insurer_share__lte', models.F('total'))), name='invoice_insurer_share_within_total'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('insurer_share', 0), models.Q(('payer', ''), _negated=True), _connector='OR'), name='invoice_insurer_named'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('declined__gte', 0), ('insurer_paid__gte', 0), ('insurer_paid__lte', django.db.models.expressions.CombinedExpression(models.F('insurer_share'), '-', models.F('declined')))), name='invoice_insurer_paid_within_share'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('paid__gte', models.F('insurer_paid')), ('paid__lte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('insurer_paid'), '+', models.F('total')), '-', models.F('insurer_share')), '+', models.F('declined')))), name='invoice_patient_paid_within_share'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.CheckConstraint(condition=models.Q(('insurer_share__gte', 0), ('insurer_share__lte', models.F('total'))), name='line_insurer_share_within_total'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='patient_share',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('insurer_share')), help_text='The rest of the total.', output_field=models.DecimalField(decimal_places=2, max_digits=12)),
        ),
    ]
