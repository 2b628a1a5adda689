import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0005_insurer_share'),
        ('patients', '0007_blood_group_labels'),
        ('pharmacy', '0004_ledger_and_frozen_prescriptions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.DecimalField(decimal_places=2, help_text='With tax.', max_digits=12)),
                ('tax', models.DecimalField(decimal_places=2, help_text='Of the amount, what is tax.', max_digits=12)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='CreditNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('number', models.CharField(help_text='Gapless within a year.', max_length=20, unique=True)),
                ('amount', models.DecimalField(decimal_places=2, help_text='The sum of its lines, with tax.', max_digits=12)),
                ('tax', models.DecimalField(decimal_places=2, help_text='Of the amount, what is tax.', max_digits=12)),
                ('insurer_share', models.DecimalField(decimal_places=2, help_text='Of the amount, what the insurer need not pay.', max_digits=12)),
                ('reason', models.CharField(max_length=200)),
                ('issued_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it got its number.')),
                ('request_id', models.UUIDField(editable=False, unique=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='CreditNoteCounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('year', models.PositiveSmallIntegerField(help_text='The year of the series.', unique=True)),
                ('last_number', models.PositiveIntegerField(default=0)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='invoiceline',
            name='line_of_issued_invoice_frozen',
        ),
        migrations.RemoveIndex(
            model_name='invoice',
            name='invoice_unpaid',
        ),
        migrations.AddField(
            model_name='invoice',
            name='credited',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text='The sum of its credit notes.', max_digits=12),
        ),
        migrations.AddField(
            model_name='invoice',
            name='insurer_credited',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text='Of `credited`, what the insurer need not pay.', max_digits=12),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='credited',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), editable=False, help_text='What credit notes took back of the total.', max_digits=12),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('state', 'issued'), models.Q(('paid__lt', django.db.models.expressions.CombinedExpression(models.F('insurer_paid'), '+', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('credited')), '-', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('insurer_share'), '-', models.F('declined')), '-', models.F('insurer_credited'))))), ('insurer_paid__lt', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('insurer_share'), '-', models.F('declined')), '-', models.F('insurer_credited'))), _connector='OR')), fields=['id'], name='invoice_unpaid'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoice',
            trigger=pgtrigger.compiler.Trigger(name='invoice_credits_add_up', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE invoice billing_invoice%ROWTYPE; given numeric; insured numeric;', func="\n            SELECT * INTO invoice FROM billing_invoice WHERE id = NEW.id;\n            SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(insurer_share), 0)\n              INTO given, insured FROM billing_creditnote WHERE invoice_id = invoice.id;\n            IF invoice.credited <> given OR invoice.insurer_credited <> insured THEN\n                RAISE EXCEPTION USING MESSAGE = 'the credit notes do not add up', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_credited_is_the_sum_of_its_credit_notes';\n            END IF;\n            RETURN NULL;\n        ", hash='24bb6a4ccf371517e9bf61eb8ae3bcdde9dbb6ab', operation='INSERT OR UPDATE OF "credited", "insurer_credited"', pgid='pgtrigger_invoice_credits_add_up_9c338', table='billing_invoice', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoiceline',
            trigger=pgtrigger.compiler.Trigger(name='line_of_issued_invoice_frozen', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE invoice_state text; changed text[];', func="\n            SELECT state INTO invoice_state FROM billing_invoice\n             WHERE id = COALESCE(NEW.invoice_id, OLD.invoice_id) FOR SHARE;\n            IF TG_OP = 'UPDATE' AND NEW.invoice_id <> OLD.invoice_id THEN\n                RAISE EXCEPTION USING MESSAGE = 'a line stays on its invoice', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_stays_on_its_invoice';\n            END IF;\n            IF invoice_state = 'draft' THEN\n                RETURN COALESCE(NEW, OLD);\n            END IF;\n            IF TG_OP = 'UPDATE' THEN\n                SELECT array_agg(key) INTO changed\n                  FROM jsonb_each(to_jsonb(NEW) - 'patient_share') written JOIN jsonb_each(to_jsonb(OLD)) kept USING (key)\n                 WHERE written.value <> kept.value;\n                IF (invoice_state = 'void' AND changed = '{is_void}' AND NEW.is_void)\n                   OR (invoice_state = 'issued' AND changed = '{credited}') THEN\n                    RETURN NEW;\n                END IF;\n            END IF;\n            RAISE EXCEPTION USING MESSAGE = 'the invoice is issued', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_of_issued_invoice_frozen';\n        ", hash='d2c79bf80d48cbfb50336876fdd8a8e68dd87292', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_line_of_issued_invoice_frozen_5c56f', table='billing_invoiceline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='invoiceline',
            trigger=pgtrigger.compiler.Trigger(name='line_credits_add_up', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE kept numeric; given numeric;', func="\n            SELECT credited INTO kept FROM billing_invoiceline WHERE id = NEW.id;\n            SELECT COALESCE(SUM(amount), 0) INTO given FROM billing_creditline WHERE line_id = NEW.id;\n            IF kept <> given THEN\n                RAISE EXCEPTION USING MESSAGE = 'the credits of a line do not add up', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_credited_is_the_sum_of_its_credits';\n            END IF;\n            RETURN NULL;\n        ", hash='da070180098a2aa77fe179f73fa02055c1ce6718', operation='UPDATE OF "credited"', pgid='pgtrigger_line_credits_add_up_2be77', table='billing_invoiceline', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('credited', 0), ('insurer_credited', 0)), models.Q(('credited__gte', models.F('insurer_credited')), ('insurer_credited__gte', 0), ('insurer_credited__lte', django.db.models.expressions.CombinedExpression(models.F('insurer_share'), '-', models.F('declined'))), ('credited__lte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('insurer_credited'), '+', models.F('total')), '-', models.F('insurer_share')), '+', models.F('declined')))), _connector='OR'), name='invoice_credit_within_each_share'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'issued'), ('credited', 0), _connector='OR'), name='invoice_credited_only_when_issued'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.CheckConstraint(condition=models.Q(('credited', 0), models.Q(('credited__gt', 0), ('credited__lte', models.F('total'))), _connector='OR'), name='line_credited_within_total'),
        ),
        migrations.AddField(
            model_name='creditline',
            name='line',
            field=models.ForeignKey(help_text='The line that is corrected.', on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='billing.invoiceline'),
        ),
        migrations.AddField(
            model_name='creditnote',
            name='invoice',
            field=models.ForeignKey(help_text='What is corrected.', on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='billing.invoice'),
        ),
        migrations.AddField(
            model_name='creditnote',
            name='issued_by',
            field=models.ForeignKey(help_text='Who wrote it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='creditline',
            name='credit_note',
            field=models.ForeignKey(help_text='The note it is on.', on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='billing.creditnote'),
        ),
        migrations.AddIndex(
            model_name='creditnote',
            index=models.Index(fields=['issued_at'], name='credit_note_by_time'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='credit_note_positive'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(('tax__gte', 0), ('tax__lte', models.F('amount'))), name='credit_note_tax_within_amount'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(('insurer_share__gte', 0), ('insurer_share__lte', models.F('amount'))), name='credit_note_insurer_share_within_amount'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='credit_note_has_a_reason'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditnote',
            trigger=pgtrigger.compiler.Trigger(name='credit_note_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are only ever added to', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_note_append_only';", hash='fbec3433c3772550f1d49e9e9e661aadac575cc3', operation='UPDATE OR DELETE', pgid='pgtrigger_credit_note_append_only_7b2e6', table='billing_creditnote', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditnote',
            trigger=pgtrigger.compiler.Trigger(name='credit_note_counts_as_credited', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE invoice billing_invoice%ROWTYPE; given numeric; insured numeric;', func="\n            SELECT * INTO invoice FROM billing_invoice WHERE id = NEW.invoice_id;\n            SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(insurer_share), 0)\n              INTO given, insured FROM billing_creditnote WHERE invoice_id = invoice.id;\n            IF invoice.credited <> given OR invoice.insurer_credited <> insured THEN\n                RAISE EXCEPTION USING MESSAGE = 'the credit notes do not add up', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_credited_is_the_sum_of_its_credit_notes';\n            END IF;\n            RETURN NULL;\n        ", hash='c217055bc2615585a8f617219f00d65be0888a03', operation='INSERT', pgid='pgtrigger_credit_note_counts_as_credited_3b0aa', table='billing_creditnote', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditnote',
            trigger=pgtrigger.compiler.Trigger(name='credit_note_lines_add_up', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE note billing_creditnote%ROWTYPE; lines_amount numeric; lines_tax numeric;', func="\n            SELECT * INTO note FROM billing_creditnote WHERE id = NEW.id;\n            SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(tax), 0)\n              INTO lines_amount, lines_tax FROM billing_creditline WHERE credit_note_id = note.id;\n            IF note.amount <> lines_amount OR note.tax <> lines_tax THEN\n                RAISE EXCEPTION USING MESSAGE = 'the lines do not add up to the credit note', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_note_amount_is_the_sum_of_its_lines';\n            END IF;\n            RETURN NULL;\n        ", hash='39940da1b67293e83e803ed86e6e9baebd3e6d1d', operation='INSERT', pgid='pgtrigger_credit_note_lines_add_up_6973a', table='billing_creditnote', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='creditline',
            constraint=models.UniqueConstraint(fields=('credit_note', 'line'), name='credit_line_once_per_line'),
        ),
        migrations.AddConstraint(
            model_name='creditline',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='credit_line_positive'),
        ),
        migrations.AddConstraint(
            model_name='creditline',
            constraint=models.CheckConstraint(condition=models.Q(('tax__gte', 0), ('tax__lte', models.F('amount'))), name='credit_line_tax_within_amount'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditline',
            trigger=pgtrigger.compiler.Trigger(name='credit_line_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are only ever added to', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_line_append_only';", hash='51d78b06ffb973888de4b4a5db7e59e458751c22', operation='UPDATE OR DELETE', pgid='pgtrigger_credit_line_append_only_89e33', table='billing_creditline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditline',
            trigger=pgtrigger.compiler.Trigger(name='credit_line_counts_as_credited', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE kept numeric; given numeric;', func="\n            SELECT credited INTO kept FROM billing_invoiceline WHERE id = NEW.line_id;\n            SELECT COALESCE(SUM(amount), 0) INTO given FROM billing_creditline WHERE line_id = NEW.line_id;\n            IF kept <> given THEN\n                RAISE EXCEPTION USING MESSAGE = 'the credits of a line do not add up', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_credited_is_the_sum_of_its_credits';\n            END IF;\n            RETURN NULL;\n        ", hash='c1904466de05a80fb9ba726a0c2d91b641c78dae', operation='INSERT', pgid='pgtrigger_credit_line_counts_as_credited_275a8', table='billing_creditline', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditline',
            trigger=pgtrigger.compiler.Trigger(name='credit_line_of_the_notes_invoice', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            IF NOT EXISTS (\n                SELECT FROM billing_invoiceline line JOIN billing_creditnote note ON note.invoice_id = line.invoice_id\n                 WHERE line.id = NEW.line_id AND note.id = NEW.credit_note_id\n            ) THEN\n                RAISE EXCEPTION USING MESSAGE = 'this line stands on another invoice', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_line_of_the_notes_invoice';\n            END IF;\n            RETURN NEW;\n        ", hash='da7f5e518a3ad18a7b2d9fc5476ca8bdc2508316', operation='INSERT', pgid='pgtrigger_credit_line_of_the_notes_invoice_22e11', table='billing_creditline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditline',
            trigger=pgtrigger.compiler.Trigger(name='credit_line_adds_up', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE note billing_creditnote%ROWTYPE; lines_amount numeric; lines_tax numeric;', func="\n            SELECT * INTO note FROM billing_creditnote WHERE id = NEW.credit_note_id;\n            SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(tax), 0)\n              INTO lines_amount, lines_tax FROM billing_creditline WHERE credit_note_id = note.id;\n            IF note.amount <> lines_amount OR note.tax <> lines_tax THEN\n                RAISE EXCEPTION USING MESSAGE = 'the lines do not add up to the credit note', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_note_amount_is_the_sum_of_its_lines';\n            END IF;\n            RETURN NULL;\n        ", hash='3276cb96e7c7209c3cc12265338a47040bb29ab9', operation='INSERT', pgid='pgtrigger_credit_line_adds_up_095cf', table='billing_creditline', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
    ]
