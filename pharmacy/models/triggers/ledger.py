"""What batches and their movements hold by themselves, whoever writes them."""

import pgtrigger

from clinic.core.triggers import refusal

SAME_LOT = "r.medicine_id = b.medicine_id AND lower(r.lot) = lower(b.lot) AND r.expires_on = b.expires_on"


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


class CallIsOfARecipient(pgtrigger.Trigger):
    """Calls are about a batch that is recalled, to patients who were given something of its lot.

    What went out from another store, or came back and was handed out again, counts as of the lot.
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
              JOIN pharmacy_batch r ON {SAME_LOT}
              JOIN pharmacy_dispense d ON d.id = l.dispense_id
              JOIN pharmacy_prescription p ON p.id = d.prescription_id
             WHERE r.id = NEW.batch_id AND p.patient_id = NEW.patient_id
            UNION ALL
            SELECT 1 FROM pharmacy_treatmentline l
              JOIN pharmacy_batch b ON b.id = l.batch_id
              JOIN pharmacy_batch r ON {SAME_LOT}
              JOIN patients_encounter e ON e.id = l.encounter_id
             WHERE r.id = NEW.batch_id AND e.patient_id = NEW.patient_id;
            IF NOT FOUND THEN
                {refusal(name, "nothing of the batch was given to this patient")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, operation=operation, func=func)
