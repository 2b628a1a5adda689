"""What stores and transfers hold by themselves, whoever writes them."""

import pgtrigger

from clinic.core.triggers import refusal
from pharmacy.models.triggers.ledger import SAME_LOT


class TransferFitsItsBatches(pgtrigger.Trigger):
    """Units go between two stores, within one lot, neither side of which is expired, set aside, or from patients.

    The rows are locked in the order of their keys, as the services do.
    """

    when = pgtrigger.Before
    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_batch WHERE id IN (NEW.source_id, NEW.target_id) ORDER BY id FOR NO KEY UPDATE;
            PERFORM 1 FROM pharmacy_batch r JOIN pharmacy_batch b
                ON {SAME_LOT}
              WHERE r.id = NEW.source_id AND b.id = NEW.target_id AND r.store_id <> b.store_id;
            IF NOT FOUND THEN
                {refusal(name + "_lot", "a transfer is of one lot, from one store to another")}
            END IF;
            PERFORM 1 FROM pharmacy_batch WHERE id IN (NEW.source_id, NEW.target_id)
                AND (state <> 'available' OR expires_on <= NEW.transferred_on OR returned_from_id IS NOT NULL);
            IF FOUND THEN
                {refusal(name, "what is expired, set aside or came back from patients is not transferred")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class TransferIsItsMovements(pgtrigger.Trigger):
    """At commit a transfer has two lines in the ledger: its units out of the one batch, and into the other. They sum to zero."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    operation = pgtrigger.Insert
    declare = [("made", "bigint"), ("fitting", "bigint")]

    def __init__(self, name: str, transfer: str, condition=None):
        func = f"""
            SELECT COUNT(*), COUNT(DISTINCT m.batch_id) FILTER (WHERE (m.batch_id = t.source_id AND m.quantity = -t.quantity)
                     OR (m.batch_id = t.target_id AND m.quantity = t.quantity))
              INTO made, fitting
              FROM pharmacy_stockmovement m JOIN pharmacy_stocktransfer t ON t.id = m.transfer_id WHERE t.id = {transfer};
            IF made <> 2 OR fitting <> 2 THEN
                {refusal(name, "the transfer is not what its movements say")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, condition=condition, func=func)


class LotIsRecalledAsOne(pgtrigger.Trigger):
    """At commit a lot is recalled in every store, with what came back of it, or in none."""

    when = pgtrigger.After
    timing = pgtrigger.Deferred
    operation = pgtrigger.Insert | pgtrigger.UpdateOf("state")

    def __init__(self, name: str):
        func = f"""
            PERFORM 1 FROM pharmacy_batch r JOIN pharmacy_batch b
                ON {SAME_LOT}
              WHERE r.id = NEW.id AND (r.state = 'recalled') <> (b.state = 'recalled');
            IF FOUND THEN
                {refusal(name, "a part of the lot is recalled and another is not")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, func=func)
