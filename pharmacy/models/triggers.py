"""What the rows of pharmacy hold by themselves, whoever writes them."""

import pgtrigger

from clinic.core.triggers import refusal


class ItemsOfDraftOnly(pgtrigger.Trigger):
    """Items are added, changed and removed while their prescription is a draft of an open encounter.

    The share locks make a writer wait for a signature that is being given, and then see it.
    """

    when = pgtrigger.Before
    declare = [("is_open", "boolean")]

    def __init__(self, name: str, operation, condition=None):
        func = f"""
            SELECT p.status = 'draft' AND e.status = 'in_progress' INTO is_open
              FROM pharmacy_prescription p JOIN patients_encounter e ON e.id = p.encounter_id
             WHERE p.id = COALESCE(NEW.prescription_id, OLD.prescription_id) FOR SHARE;
            IF NOT is_open THEN
                {refusal(name, "the prescription is no longer a draft")}
            END IF;
            RETURN COALESCE(NEW, OLD);
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class WhenNeededHasMaximum(pgtrigger.Trigger):
    """A line to be taken when needed says how often at most. Not a CHECK: lines signed before this was asked stay as signed."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.UpdateOf("frequency", "max_doses_a_day")
    condition = pgtrigger.Condition("NEW.frequency = 'PRN' AND NEW.max_doses_a_day IS NULL")

    def __init__(self, name: str):
        super().__init__(name=name, func=refusal(name, "what is taken when needed has a maximum"))


class MovementContinuesTheLedger(pgtrigger.Trigger):
    """A movement starts from the balance that the last one left, so that the last balance is the sum of all.

    The lock on the batch puts writers in a row.
    """

    when = pgtrigger.Before
    operation = pgtrigger.Insert
    declare = [("last_balance", "bigint")]

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_batch WHERE id = NEW.batch_id FOR NO KEY UPDATE;
            SELECT balance INTO last_balance FROM pharmacy_stockmovement
             WHERE batch_id = NEW.batch_id ORDER BY id DESC LIMIT 1;
            IF NEW.balance <> COALESCE(last_balance, 0) + NEW.quantity THEN
                {refusal(name, "the balance does not follow from the last movement")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class OnHandIsTheLedger(pgtrigger.Trigger):
    """At commit a batch has on hand what its last movement left: no unit comes or goes without a movement."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    declare = [("held", "bigint"), ("last_balance", "bigint")]

    def __init__(self, name: str, operation, batch: str):
        func = f"""
            SELECT on_hand INTO held FROM pharmacy_batch WHERE id = {batch};
            SELECT balance INTO last_balance FROM pharmacy_stockmovement
             WHERE batch_id = {batch} ORDER BY id DESC LIMIT 1;
            IF held <> COALESCE(last_balance, 0) THEN
                {refusal(name, "what is on hand is not what the movements left")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, func=func)


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
            PERFORM 1 FROM pharmacy_batch b, pharmacy_prescriptionitem i
              WHERE b.id = NEW.batch_id AND i.id = NEW.item_id AND (b.medicine_id <> i.medicine_id) = (NEW.substitution_reason <> '');
            IF NOT FOUND THEN
                {refusal(name + "_medicine", "another medicine than the one prescribed is given with a reason, and only then")}
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


class OrderLineIsItsReceipts(pgtrigger.Trigger):
    """At commit what came of a line of an order is what the ledger took in for it, of its own medicine."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    declare = [("counted", "bigint"), ("summed", "bigint")]

    def __init__(self, name: str, operation, line: str, condition=None):
        func = f"""
            SELECT received_quantity INTO counted FROM pharmacy_purchaseorderline WHERE id = {line};
            SELECT COALESCE(SUM(m.quantity), 0) INTO summed
              FROM pharmacy_stockmovement m
              JOIN pharmacy_batch b ON b.id = m.batch_id
              JOIN pharmacy_purchaseorderline l ON l.id = m.order_line_id AND l.medicine_id = b.medicine_id
             WHERE m.order_line_id = {line} AND m.kind = 'IN';
            IF counted <> summed THEN
                {refusal(name, "what came of the order is not what the ledger took in")}
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


class CallIsOfARecipient(pgtrigger.Trigger):
    """Calls are about a batch that is recalled, to patients who were given something of it.

    What came back and was handed out again from its quarantined part counts as of the batch.
    """

    when = pgtrigger.Before

    def __init__(self, name: str, operation):
        func = f"""
            PERFORM 1 FROM pharmacy_batch WHERE id = NEW.batch_id AND state = 'recalled' AND returned_from_id IS NULL;
            IF NOT FOUND THEN
                {refusal(name + "_recalled", "the batch is not recalled")}
            END IF;
            PERFORM 1 FROM pharmacy_dispenseline l
              JOIN pharmacy_batch b ON b.id = l.batch_id
              JOIN pharmacy_dispense d ON d.id = l.dispense_id
              JOIN pharmacy_prescription p ON p.id = d.prescription_id
             WHERE NEW.batch_id IN (b.id, b.returned_from_id) AND p.patient_id = NEW.patient_id
            UNION ALL
            SELECT 1 FROM pharmacy_treatmentline l
              JOIN pharmacy_batch b ON b.id = l.batch_id
              JOIN patients_encounter e ON e.id = l.encounter_id
             WHERE NEW.batch_id IN (b.id, b.returned_from_id) AND e.patient_id = NEW.patient_id;
            IF NOT FOUND THEN
                {refusal(name, "nothing of the batch was given to this patient")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, operation=operation, func=func)


class ControlledIsWitnessed(pgtrigger.Trigger):
    """What goes out of the stock of a controlled medicine, or is corrected, has a second person's name."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_batch b JOIN pharmacy_medicine m ON m.id = b.medicine_id
              WHERE b.id = NEW.batch_id AND m.is_controlled;
            IF FOUND THEN
                {refusal(name, "a controlled medicine needs a witness")}
            END IF;
            RETURN NEW;
        """
        condition = pgtrigger.Condition("NEW.witness_id IS NULL AND NEW.kind IN ('OUT', 'ADJUSTMENT', 'WASTE')")
        super().__init__(name=name, condition=condition, func=func)


class CountedInAnOpenTake(pgtrigger.Trigger):
    """Counts are written while their stock take is open. The share lock makes them wait for an approval that is being given."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_stocktake WHERE id = NEW.take_id AND state = 'counting' FOR SHARE;
            IF NOT FOUND THEN
                {refusal(name, "the stock take is closed")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class TakeApprovedByAnother(pgtrigger.Trigger):
    """Whoever counted does not approve, and at commit each difference was corrected."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    operation = pgtrigger.UpdateOf("state")

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_countline WHERE take_id = NEW.id AND counted_by_id = NEW.closed_by_id;
            IF FOUND THEN
                {refusal(name, "whoever counted does not approve")}
            END IF;
            PERFORM 1 FROM pharmacy_countline l WHERE l.take_id = NEW.id AND l.counted <> l.on_hand_then
                AND NOT EXISTS (SELECT 1 FROM pharmacy_stockmovement m WHERE m.count_line_id = l.id);
            IF FOUND THEN
                {refusal(name + "_corrected", "a difference of the count was not corrected")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, condition=pgtrigger.Condition("NEW.state = 'approved'"), func=func)


class CorrectionIsOfItsCount(pgtrigger.Trigger):
    """At commit a correction by a stock take is the difference that was counted of its batch, of an approved count."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_countline l JOIN pharmacy_stocktake t ON t.id = l.take_id
              WHERE l.id = NEW.count_line_id AND l.batch_id = NEW.batch_id AND l.counted - l.on_hand_then = NEW.quantity
                AND t.state = 'approved' AND NEW.kind = 'ADJUSTMENT';
            IF NOT FOUND THEN
                {refusal(name, "the correction is not what was counted and approved")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, condition=pgtrigger.Condition("NEW.count_line_id IS NOT NULL"), func=func)
