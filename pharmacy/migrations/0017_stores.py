import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


def put_all_in_the_dispensary(apps, schema_editor):
    """What was there so far was handed out from one place."""
    store = apps.get_model("pharmacy", "Store").objects.create(name="Dispensary", kind="dispensary", is_default=True)
    apps.get_model("pharmacy", "Batch").objects.update(store=store)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_roles'),
        ('pharmacy', '0016_medicine_leaflets'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='dispenseline',
            name='dispense_line_fits',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='recallcall',
            name='recall_call_of_a_recipient',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='treatmentline',
            name='treatment_line_fits',
        ),
        migrations.RemoveConstraint(
            model_name='batch',
            name='batch_once_per_lot_and_expiry',
        ),
        migrations.CreateModel(
            name='Store',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('name', models.CharField(help_text='As the staff call it.', max_length=80)),
                ('kind', models.CharField(choices=[('dispensary', 'Dispensary'), ('storeroom', 'Storeroom'), ('ward', 'Ward')], help_text='What it is for; it stays so.', max_length=10)),
                ('is_default', models.BooleanField(default=False, editable=False, help_text='Whether deliveries go there unless another one is named.')),
            ],
            options={
                'ordering': ['-is_default', 'name'],
            },
        ),
        migrations.CreateModel(
            name='StockTransfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('quantity', models.PositiveIntegerField(help_text='Units.')),
                ('transferred_on', models.DateField(help_text="The clinic's day; what expires by then was not carried anywhere.")),
                ('transferred_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When.')),
                ('request_id', models.UUIDField(editable=False, unique=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='stocktransfer',
            name='source',
            field=models.ForeignKey(help_text='What it was taken from.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pharmacy.batch'),
        ),
        migrations.AddField(
            model_name='stocktransfer',
            name='target',
            field=models.ForeignKey(help_text='The same lot, where it went.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pharmacy.batch'),
        ),
        migrations.AddField(
            model_name='stocktransfer',
            name='transferred_by',
            field=models.ForeignKey(help_text='Who did.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='transfer',
            field=models.ForeignKey(blank=True, help_text='The transfer between stores that it is one side of.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='pharmacy.stocktransfer'),
        ),
        migrations.AddField(
            model_name='store',
            name='facility',
            field=models.ForeignKey(blank=True, help_text='Where it is; empty when there is one place only.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.facility'),
        ),
        migrations.AddField(
            model_name='batch',
            name='store',
            field=models.ForeignKey(help_text='Where it stands.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='pharmacy.store'),
        ),
        migrations.RunPython(put_all_in_the_dispensary, migrations.RunPython.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),  # a column with checks still to come cannot be altered
        migrations.AlterField(
            model_name='batch',
            name='store',
            field=models.ForeignKey(help_text='Where it stands.', on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='pharmacy.store'),
        ),
        migrations.AddConstraint(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(('transfer__isnull', True), models.Q(('count_line__isnull', True), ('kind', 'ADJUSTMENT')), _connector='OR'), name='movement_of_a_transfer_adjusts'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.UniqueConstraint(models.F('medicine'), django.db.models.functions.text.Lower('lot'), models.F('expires_on'), models.F('store'), condition=models.Q(('returned_from__isnull', True)), name='batch_once_per_lot_expiry_and_store'),
        ),
        migrations.AddConstraint(
            model_name='stocktransfer',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='stock_transfer_quantity_positive'),
        ),
        migrations.AddConstraint(
            model_name='stocktransfer',
            constraint=models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='stock_transfer_between_two_batches'),
        ),
        migrations.AddConstraint(
            model_name='store',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='store_name_once'),
        ),
        migrations.AddConstraint(
            model_name='store',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='store_one_default'),
        ),
        migrations.AddConstraint(
            model_name='store',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='store_has_name'),
        ),
        migrations.AddConstraint(
            model_name='store',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['dispensary', 'storeroom', 'ward'])), name='store_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='store',
            constraint=models.CheckConstraint(condition=models.Q(('is_default', False), ('kind', 'dispensary'), _connector='OR'), name='store_default_is_a_dispensary'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='batch',
            trigger=pgtrigger.compiler.Trigger(name='batch_stays_what_it_is', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."expires_on" IS DISTINCT FROM (NEW."expires_on") OR OLD."lot" IS DISTINCT FROM (NEW."lot") OR OLD."medicine_id" IS DISTINCT FROM (NEW."medicine_id") OR OLD."returned_from_id" IS DISTINCT FROM (NEW."returned_from_id") OR OLD."store_id" IS DISTINCT FROM (NEW."store_id"))', func="RAISE EXCEPTION USING MESSAGE = 'a batch stays of its lot and in its store', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'batch_stays_what_it_is';", hash='1c6b069734d18a82649cfe78058e5d120a148791', operation='UPDATE', pgid='pgtrigger_batch_stays_what_it_is_1e0b4', table='pharmacy_batch', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='batch',
            trigger=pgtrigger.compiler.Trigger(name='batch_lot_is_recalled_as_one', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\n            PERFORM 1 FROM pharmacy_batch r JOIN pharmacy_batch b\n                ON r.medicine_id = b.medicine_id AND lower(r.lot) = lower(b.lot) AND r.expires_on = b.expires_on\n              WHERE r.id = NEW.id AND (r.state = 'recalled') <> (b.state = 'recalled');\n            IF FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'a part of the lot is recalled and another is not', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'batch_lot_is_recalled_as_one';\n            END IF;\n            RETURN NULL;\n        ", hash='ef65318e03480d994ead4a6fb859a7841817b402', operation='INSERT OR UPDATE OF "state"', pgid='pgtrigger_batch_lot_is_recalled_as_one_8a8ed', table='pharmacy_batch', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='dispenseline',
            trigger=pgtrigger.compiler.Trigger(name='dispense_line_fits', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            PERFORM 1 FROM pharmacy_dispense d JOIN pharmacy_prescriptionitem i ON i.prescription_id = d.prescription_id\n              WHERE d.id = NEW.dispense_id AND i.id = NEW.item_id;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the item is of another prescription', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'dispense_line_fits_item';\n            END IF;\n            PERFORM 1 FROM pharmacy_batch b, pharmacy_dispense d\n              WHERE b.id = NEW.batch_id AND d.id = NEW.dispense_id\n                AND b.state = 'available' AND b.expires_on > d.dispensed_on FOR NO KEY UPDATE OF b;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the batch is expired, quarantined or recalled', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'dispense_line_fits_batch';\n            END IF;\n            PERFORM 1 FROM pharmacy_batch b JOIN pharmacy_store s ON s.id = b.store_id WHERE b.id = NEW.batch_id AND s.kind = 'dispensary';\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the batch does not stand in a dispensary', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'dispense_line_fits_store';\n            END IF;\n            PERFORM 1 FROM pharmacy_batch b, pharmacy_prescriptionitem i\n              WHERE b.id = NEW.batch_id AND i.id = NEW.item_id AND (b.medicine_id <> i.medicine_id) = (NEW.substitution_reason <> '');\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'another medicine than the one prescribed is given with a reason, and only then', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'dispense_line_fits_medicine';\n            END IF;\n            RETURN NEW;\n        ", hash='4e54ab62610f9f564772acc4814189b252de8275', operation='INSERT', pgid='pgtrigger_dispense_line_fits_2cb87', table='pharmacy_dispenseline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recallcall',
            trigger=pgtrigger.compiler.Trigger(name='recall_call_of_a_recipient', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            PERFORM 1 FROM pharmacy_batch WHERE id = NEW.batch_id AND state = 'recalled' AND returned_from_id IS NULL;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the batch is not recalled', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'recall_call_of_a_recipient_recalled';\n            END IF;\n            PERFORM 1 FROM pharmacy_dispenseline l\n              JOIN pharmacy_batch b ON b.id = l.batch_id\n              JOIN pharmacy_batch r ON r.medicine_id = b.medicine_id AND lower(r.lot) = lower(b.lot) AND r.expires_on = b.expires_on\n              JOIN pharmacy_dispense d ON d.id = l.dispense_id\n              JOIN pharmacy_prescription p ON p.id = d.prescription_id\n             WHERE r.id = NEW.batch_id AND p.patient_id = NEW.patient_id\n            UNION ALL\n            SELECT 1 FROM pharmacy_treatmentline l\n              JOIN pharmacy_batch b ON b.id = l.batch_id\n              JOIN pharmacy_batch r ON r.medicine_id = b.medicine_id AND lower(r.lot) = lower(b.lot) AND r.expires_on = b.expires_on\n              JOIN patients_encounter e ON e.id = l.encounter_id\n             WHERE r.id = NEW.batch_id AND e.patient_id = NEW.patient_id;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'nothing of the batch was given to this patient', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'recall_call_of_a_recipient';\n            END IF;\n            RETURN NEW;\n        ", hash='640e92e821cf9159651c9bc9933e27cf336a8f28', operation='INSERT', pgid='pgtrigger_recall_call_of_a_recipient_26736', table='pharmacy_recallcall', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stockmovement',
            trigger=pgtrigger.compiler.Trigger(name='movement_is_of_its_transfer', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW.transfer_id IS NOT NULL)', constraint='CONSTRAINT', declare='DECLARE made bigint; fitting bigint;', func="\n            SELECT COUNT(*), COUNT(DISTINCT m.batch_id) FILTER (WHERE (m.batch_id = t.source_id AND m.quantity = -t.quantity)\n                     OR (m.batch_id = t.target_id AND m.quantity = t.quantity))\n              INTO made, fitting\n              FROM pharmacy_stockmovement m JOIN pharmacy_stocktransfer t ON t.id = m.transfer_id WHERE t.id = NEW.transfer_id;\n            IF made <> 2 OR fitting <> 2 THEN\n                RAISE EXCEPTION USING MESSAGE = 'the transfer is not what its movements say', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'movement_is_of_its_transfer';\n            END IF;\n            RETURN NULL;\n        ", hash='7daca6780b3451f201b323b61bc4628a113b83ff', operation='INSERT', pgid='pgtrigger_movement_is_of_its_transfer_1a14d', table='pharmacy_stockmovement', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='treatmentline',
            trigger=pgtrigger.compiler.Trigger(name='treatment_line_fits', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            PERFORM 1 FROM pharmacy_batch\n              WHERE id = NEW.batch_id AND state = 'available' AND expires_on > NEW.used_on FOR NO KEY UPDATE;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the batch is expired, quarantined or recalled', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'treatment_line_fits';\n            END IF;\n            PERFORM 1 FROM pharmacy_batch b JOIN pharmacy_store s ON s.id = b.store_id WHERE b.id = NEW.batch_id AND s.kind = 'dispensary';\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the batch does not stand in a dispensary', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'treatment_line_fits_store';\n            END IF;\n            PERFORM 1 FROM patients_treatment WHERE id = NEW.treatment_id AND encounter_id = NEW.encounter_id;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'the treatment is of another visit', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'treatment_line_fits_visit';\n            END IF;\n            RETURN NEW;\n        ", hash='a937112f2ce0ea41b1c980c5def062be3d01b232', operation='INSERT', pgid='pgtrigger_treatment_line_fits_039c2', table='pharmacy_treatmentline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stocktransfer',
            trigger=pgtrigger.compiler.Trigger(name='stock_transfer_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING MESSAGE = 'these rows are only ever added to', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stock_transfer_append_only';", hash='c9c0044b89339b1a8c419437512852aba8126200', operation='UPDATE OR DELETE', pgid='pgtrigger_stock_transfer_append_only_4c853', table='pharmacy_stocktransfer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stocktransfer',
            trigger=pgtrigger.compiler.Trigger(name='stock_transfer_not_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF current_setting('clinic.may_truncate', true) IS DISTINCT FROM 'on' THEN RAISE EXCEPTION USING MESSAGE = 'these rows are kept', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stock_transfer_not_truncated'; END IF; RETURN NULL;", hash='9570fe8b8c09231c79232e149bd073fb44544f44', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_stock_transfer_not_truncated_cbfe0', table='pharmacy_stocktransfer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stocktransfer',
            trigger=pgtrigger.compiler.Trigger(name='stock_transfer_fits', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            PERFORM 1 FROM pharmacy_batch WHERE id IN (NEW.source_id, NEW.target_id) ORDER BY id FOR NO KEY UPDATE;\n            PERFORM 1 FROM pharmacy_batch r JOIN pharmacy_batch b\n                ON r.medicine_id = b.medicine_id AND lower(r.lot) = lower(b.lot) AND r.expires_on = b.expires_on\n              WHERE r.id = NEW.source_id AND b.id = NEW.target_id AND r.store_id <> b.store_id;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'a transfer is of one lot, from one store to another', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stock_transfer_fits_lot';\n            END IF;\n            PERFORM 1 FROM pharmacy_batch WHERE id IN (NEW.source_id, NEW.target_id)\n                AND (state <> 'available' OR expires_on <= NEW.transferred_on OR returned_from_id IS NOT NULL);\n            IF FOUND THEN\n                RAISE EXCEPTION USING MESSAGE = 'what is expired, set aside or came back from patients is not transferred', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stock_transfer_fits';\n            END IF;\n            RETURN NEW;\n        ", hash='ee5b96213890d9c46a4d8d25bd0429aa2e55d0db', operation='INSERT', pgid='pgtrigger_stock_transfer_fits_ea293', table='pharmacy_stocktransfer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stocktransfer',
            trigger=pgtrigger.compiler.Trigger(name='stock_transfer_is_its_movements', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE made bigint; fitting bigint;', func="\n            SELECT COUNT(*), COUNT(DISTINCT m.batch_id) FILTER (WHERE (m.batch_id = t.source_id AND m.quantity = -t.quantity)\n                     OR (m.batch_id = t.target_id AND m.quantity = t.quantity))\n              INTO made, fitting\n              FROM pharmacy_stockmovement m JOIN pharmacy_stocktransfer t ON t.id = m.transfer_id WHERE t.id = NEW.id;\n            IF made <> 2 OR fitting <> 2 THEN\n                RAISE EXCEPTION USING MESSAGE = 'the transfer is not what its movements say', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stock_transfer_is_its_movements';\n            END IF;\n            RETURN NULL;\n        ", hash='a08d5ee7cd64143e42c90a7561fdc5d28c2eae11', operation='INSERT', pgid='pgtrigger_stock_transfer_is_its_movements_04a5e', table='pharmacy_stocktransfer', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='store',
            trigger=pgtrigger.compiler.Trigger(name='store_kind_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."is_default" IS DISTINCT FROM (NEW."is_default") OR OLD."kind" IS DISTINCT FROM (NEW."kind"))', func="RAISE EXCEPTION USING MESSAGE = 'this row is frozen', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'store_kind_is_final';", hash='751e2dd95ead7211e975e5303f00be7e3bafb5bf', operation='UPDATE', pgid='pgtrigger_store_kind_is_final_437e1', table='pharmacy_store', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='store',
            trigger=pgtrigger.compiler.Trigger(name='store_default_kept', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.is_default)', func="RAISE EXCEPTION USING MESSAGE = 'these rows are never deleted', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'store_default_kept';", hash='89d4e2681f4198186c0a5f2f08e1de4ccca94998', operation='DELETE', pgid='pgtrigger_store_default_kept_4b516', table='pharmacy_store', when='BEFORE')),
        ),
    ]
