"""What orders and stock takes hold by themselves, whoever writes them."""

import pgtrigger

from clinic.core.triggers import refusal


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
