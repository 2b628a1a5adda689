import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pharmacy", "0012_substitution")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='prescriptionitem',
            name='item_changed_in_draft_only',
        ),
        migrations.AddField(
            model_name='prescriptionitem',
            name='max_doses_a_day',
            field=models.PositiveSmallIntegerField(blank=True, help_text='With PRN: the most that is taken; else empty.', null=True),
        ),
        migrations.AlterField(
            model_name='prescriptionitem',
            name='duration_days',
            field=models.PositiveSmallIntegerField(help_text='Length of the course of one filling.'),
        ),
        migrations.AlterField(
            model_name='prescriptionitem',
            name='frequency',
            field=models.CharField(help_text='A code (OD, BD, TDS, QID, PRN, STAT, ...), or plain words.', max_length=40),
        ),
        migrations.AlterField(
            model_name='prescriptionitem',
            name='instructions',
            field=models.CharField(blank=True, help_text='What the patient is told besides.', max_length=300),
        ),
        migrations.AlterField(
            model_name='prescriptionitem',
            name='repeats',
            field=models.PositiveSmallIntegerField(default=0, help_text='How often it may be filled again.'),
        ),
        migrations.AlterField(
            model_name='prescriptionitem',
            name='route',
            field=models.CharField(default='oral', help_text='oral, topical, inhaled, ..., or plain words.', max_length=40),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='prescriptionitem',
            trigger=pgtrigger.compiler.Trigger(name='item_changed_in_draft_only', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."dose" IS DISTINCT FROM (NEW."dose") OR OLD."duration_days" IS DISTINCT FROM (NEW."duration_days") OR OLD."frequency" IS DISTINCT FROM (NEW."frequency") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."instructions" IS DISTINCT FROM (NEW."instructions") OR OLD."max_doses_a_day" IS DISTINCT FROM (NEW."max_doses_a_day") OR OLD."medicine_id" IS DISTINCT FROM (NEW."medicine_id") OR OLD."prescription_id" IS DISTINCT FROM (NEW."prescription_id") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."quantity" IS DISTINCT FROM (NEW."quantity") OR OLD."repeats" IS DISTINCT FROM (NEW."repeats") OR OLD."route" IS DISTINCT FROM (NEW."route"))', declare='DECLARE is_open boolean;', func="\n            SELECT p.status = 'draft' AND e.status = 'in_progress' INTO is_open\n              FROM pharmacy_prescription p JOIN patients_encounter e ON e.id = p.encounter_id\n             WHERE p.id = COALESCE(NEW.prescription_id, OLD.prescription_id) FOR SHARE;\n            IF NOT is_open THEN\n                RAISE EXCEPTION USING MESSAGE = 'the prescription is no longer a draft', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'item_changed_in_draft_only';\n            END IF;\n            RETURN COALESCE(NEW, OLD);\n        ", hash='906222849012491ac897ee83a718aa2a78237499', operation='UPDATE', pgid='pgtrigger_item_changed_in_draft_only_2816e', table='pharmacy_prescriptionitem', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='prescriptionitem',
            trigger=pgtrigger.compiler.Trigger(name='item_when_needed_has_maximum', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (NEW.frequency = 'PRN' AND NEW.max_doses_a_day IS NULL)", func="RAISE EXCEPTION USING MESSAGE = 'what is taken when needed has a maximum', ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'item_when_needed_has_maximum';", hash='c4436148b1f5340c02c78c41ece7c77cbcf82486', operation='INSERT OR UPDATE OF "frequency", "max_doses_a_day"', pgid='pgtrigger_item_when_needed_has_maximum_e3984', table='pharmacy_prescriptionitem', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='prescriptionitem',
            constraint=models.CheckConstraint(condition=models.Q(('max_doses_a_day__isnull', True), ('max_doses_a_day__range', (1, 24)), _connector='OR'), name='item_max_doses_within_1_to_24'),
        ),
    ]
