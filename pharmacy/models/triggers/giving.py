"""What is handed out, or used in a treatment, holds by itself, whoever writes it."""

import pgtrigger

from clinic.core.triggers import refusal

# What `usable_on` asks of a batch's store.
IN_A_DISPENSARY = (
    "PERFORM 1 FROM pharmacy_batch b JOIN pharmacy_store s ON s.id = b.store_id WHERE b.id = NEW.batch_id AND s.kind = 'dispensary';"
)


class LineFitsItsDispense(pgtrigger.Trigger):
    """A line is of an item of the dispensed prescription, from a batch that may go out on that day, of the medicine prescribed
    or with the reason of a substitution."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_dispense d JOIN pharmacy_prescriptionitem i ON i.prescription_id = d.prescription_id
              WHERE d.id = NEW.dispense_id AND i.id = NEW.item_id;
            IF NOT FOUND THEN
                {refusal(name + "_item", "the item is of another prescription")}
            END IF;
            PERFORM 1 FROM pharmacy_batch b, pharmacy_dispense d
              WHERE b.id = NEW.batch_id AND d.id = NEW.dispense_id
                AND b.state = 'available' AND b.expires_on > d.dispensed_on FOR NO KEY UPDATE OF b;
            IF NOT FOUND THEN
                {refusal(name + "_batch", "the batch is expired, quarantined or recalled")}
            END IF;
            {IN_A_DISPENSARY}
            IF NOT FOUND THEN
                {refusal(name + "_store", "the batch does not stand in a dispensary")}
            END IF;
            PERFORM 1 FROM pharmacy_batch b, pharmacy_prescriptionitem i
              WHERE b.id = NEW.batch_id AND i.id = NEW.item_id AND (b.medicine_id <> i.medicine_id) = (NEW.substitution_reason <> '');
            IF NOT FOUND THEN
                {refusal(name + "_medicine", "another medicine than the one prescribed is given with a reason, and only then")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class SubstituteIsApproved(pgtrigger.Trigger):
    """What is given as approved for another is so at that moment. The share lock makes a withdrawal wait."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert
    condition = pgtrigger.Condition("NEW.substitution_basis = 'approved'")

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_batch b, pharmacy_prescriptionitem i, pharmacy_equivalent e
              WHERE b.id = NEW.batch_id AND i.id = NEW.item_id AND e.withdrawn_at IS NULL
                AND e.first_id = LEAST(b.medicine_id, i.medicine_id) AND e.second_id = GREATEST(b.medicine_id, i.medicine_id)
              FOR SHARE OF e;
            IF NOT FOUND THEN
                {refusal(name, "nobody approved that the one stands for the other")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class LineIsItsMovements(pgtrigger.Trigger):
    """At commit each unit that a line (of a dispense, or of a treatment) gave out, or took back, stands in the ledger."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    declare = [("given", "bigint"), ("returned", "bigint"), ("line", "record")]

    def __init__(self, name: str, operation, line: str, condition=None, of: str = "dispense"):
        func = f"""
            SELECT id, quantity, returned_quantity INTO line FROM pharmacy_{of}line WHERE id = {line};
            SELECT COALESCE(-SUM(quantity) FILTER (WHERE kind = 'OUT'), 0), COALESCE(SUM(quantity) FILTER (WHERE kind = 'RETURN'), 0)
              INTO given, returned FROM pharmacy_stockmovement WHERE {of}_line_id = line.id;
            IF given <> line.quantity OR returned <> line.returned_quantity THEN
                {refusal(name, "the line is not what the movements say")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class ItemIsItsLines(pgtrigger.Trigger):
    """At commit an item's dispensed quantity is what its lines gave out less what came back."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    declare = [("counted", "bigint"), ("summed", "bigint")]

    def __init__(self, name: str, operation, item: str):
        func = f"""
            SELECT dispensed_quantity INTO counted FROM pharmacy_prescriptionitem WHERE id = {item};
            SELECT COALESCE(SUM(quantity - returned_quantity), 0) INTO summed FROM pharmacy_dispenseline WHERE item_id = {item};
            IF counted <> summed THEN
                {refusal(name, "the dispensed quantity is not what the lines say")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, func=func)


class TreatmentUsesWhatMayGoOut(pgtrigger.Trigger):
    """Units used in a treatment come from a batch that may go out on that day, and are charged at the medicine's price of then."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_batch
              WHERE id = NEW.batch_id AND state = 'available' AND expires_on > NEW.used_on FOR NO KEY UPDATE;
            IF NOT FOUND THEN
                {refusal(name, "the batch is expired, quarantined or recalled")}
            END IF;
            {IN_A_DISPENSARY}
            IF NOT FOUND THEN
                {refusal(name + "_store", "the batch does not stand in a dispensary")}
            END IF;
            PERFORM 1 FROM patients_treatment WHERE id = NEW.treatment_id AND encounter_id = NEW.encounter_id;
            IF NOT FOUND THEN
                {refusal(name + "_visit", "the treatment is of another visit")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class TreatmentCostsItsLines(pgtrigger.Trigger):
    """At commit a treatment's cost of medicines is what its lines come to."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    operation = pgtrigger.Insert | pgtrigger.Update
    declare = [("charged", "numeric"), ("summed", "numeric")]

    def __init__(self, name: str):
        func = f"""
            SELECT medicines_cost INTO charged FROM patients_treatment WHERE id = NEW.treatment_id;
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
            SELECT COALESCE(SUM((quantity - returned_quantity) * unit_price), 0) INTO summed
              FROM pharmacy_treatmentline WHERE treatment_id = NEW.treatment_id;
            IF charged <> summed THEN
                {refusal(name, "the treatment does not cost what its medicines come to")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, func=func)
