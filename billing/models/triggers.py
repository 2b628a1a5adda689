"""Sums that the database holds. They are checked at commit, so that a service may write the parts in any order."""

import pgtrigger

from clinic.core.triggers import refusal


class _AtCommit(pgtrigger.Trigger):
    when = pgtrigger.After
    timing = pgtrigger.Deferred


class LinesAddUp(_AtCommit):
    """An invoice's total and its insurer's share are the sums of its lines, and its lines are void exactly when it is.

    `invoice` names the column that holds the invoice's id.
    """

    declare = [("invoice", "billing_invoice%ROWTYPE"), ("lines_total", "numeric"), ("lines_share", "numeric"), ("differs", "boolean")]

    def __init__(self, name: str, invoice: str, operation, condition=None):
        func = f"""
            SELECT * INTO invoice FROM billing_invoice WHERE id = COALESCE(NEW.{invoice}, OLD.{invoice});
            SELECT COALESCE(SUM(total), 0), COALESCE(SUM(insurer_share), 0), COALESCE(BOOL_OR(is_void <> (invoice.state = 'void')), FALSE)
              INTO lines_total, lines_share, differs FROM billing_invoiceline WHERE invoice_id = invoice.id;
            IF invoice.total <> lines_total THEN
                {refusal("invoice_total_is_the_sum_of_its_lines", "the lines do not add up to the total")}
            END IF;
            IF invoice.insurer_share <> lines_share THEN
                {refusal("invoice_shares_are_the_sums_of_its_lines", "the shares of the lines do not add up")}
            END IF;
            IF differs THEN
                {refusal("invoice_lines_are_void_with_it", "a line is void exactly when its invoice is")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class PaymentsAddUp(_AtCommit):
    """What an invoice counts as paid, and as paid by the insurer, is the sum of its payments less what was refunded of them."""

    declare = [("invoice", "billing_invoice%ROWTYPE"), ("received", "numeric"), ("insured", "numeric")]

    def __init__(self, name: str, invoice: str, operation, condition=None):
        func = f"""
            SELECT * INTO invoice FROM billing_invoice WHERE id = NEW.{invoice};
            SELECT COALESCE(SUM(amount - refunded), 0), COALESCE(SUM(amount - refunded) FILTER (WHERE method = 'insurance'), 0)
              INTO received, insured FROM billing_payment WHERE invoice_id = invoice.id;
            IF invoice.paid <> received OR invoice.insurer_paid <> insured THEN
                {refusal("invoice_paid_is_the_sum_of_its_payments", "the payments do not add up to what is paid")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class RefundsAddUp(_AtCommit):
    """What a payment counts as refunded is the sum of its refunds. `payment` names the column with the payment's id."""

    declare = [("kept", "numeric"), ("given", "numeric")]

    def __init__(self, name: str, payment: str, operation, condition=None):
        func = f"""
            SELECT refunded INTO kept FROM billing_payment WHERE id = NEW.{payment};
            SELECT COALESCE(SUM(amount), 0) INTO given FROM billing_refund WHERE payment_id = NEW.{payment};
            IF kept <> given THEN
                {refusal("payment_refunded_is_the_sum_of_its_refunds", "the refunds do not add up")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class InOpenShift(pgtrigger.Trigger):
    """Nothing is added to a closed shift.

    The share lock makes a payment wait for a shift that is being closed, and then see it; payments do
    not wait for each other.
    """

    when = pgtrigger.Before
    operation = pgtrigger.Insert
    declare = [("closed", "timestamptz")]

    def __init__(self, name: str):
        func = f"""
            SELECT closed_at INTO closed FROM billing_shift WHERE id = NEW.shift_id FOR SHARE;
            IF closed IS NOT NULL THEN
                {refusal(name, "the shift is closed")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class VarianceExplained(_AtCommit):
    """A closed shift whose count differs from its ledger says why."""

    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            IF NEW.counted <> NEW.expected AND EXISTS (
                SELECT FROM billing_shift WHERE id = NEW.shift_id AND variance_reason = ''
            ) THEN
                {refusal(name, "a variance needs a reason")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, func=func)


class LineOfDraft(pgtrigger.Trigger):
    """Lines change while their invoice is a draft; afterwards they only become void with it. No line changes its invoice.

    `patient_share` follows from other columns, and is not computed yet when this runs. The share
    lock makes a writer wait for an invoice that is being issued, and then see it.
    """

    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete
    declare = [("invoice_state", "text"), ("unchecked", "text[] := '{is_void,patient_share}'")]

    def __init__(self, name: str):
        func = f"""
            SELECT state INTO invoice_state FROM billing_invoice
             WHERE id = COALESCE(NEW.invoice_id, OLD.invoice_id) FOR SHARE;
            IF TG_OP = 'UPDATE' AND NEW.invoice_id <> OLD.invoice_id THEN
                {refusal("line_stays_on_its_invoice", "a line stays on its invoice")}
            END IF;
            IF invoice_state = 'draft' THEN
                RETURN COALESCE(NEW, OLD);
            END IF;
            IF invoice_state = 'void' AND TG_OP = 'UPDATE' AND NEW.is_void AND NOT OLD.is_void
               AND to_jsonb(NEW) - unchecked = to_jsonb(OLD) - unchecked THEN
                RETURN NEW;
            END IF;
            {refusal(name, "the invoice is issued")}
        """
        super().__init__(name=name, func=func)


class LineOfPatient(pgtrigger.Trigger):
    """What was prescribed to one patient never stands on another's invoice."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.UpdateOf("prescription_item_id")

    def __init__(self, name: str):
        func = f"""
            IF NOT EXISTS (
                SELECT FROM pharmacy_prescriptionitem item
                  JOIN pharmacy_prescription prescription ON prescription.id = item.prescription_id
                  JOIN billing_invoice invoice ON invoice.patient_id = prescription.patient_id
                 WHERE item.id = NEW.prescription_item_id AND invoice.id = NEW.invoice_id
            ) THEN
                {refusal(name, "this was prescribed to another patient")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, condition=pgtrigger.Q(new__prescription_item__isnull=False), func=func)
