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


class CreditsAddUp(_AtCommit):
    """What an invoice counts as credited, and as credited to the insurer, is the sum of its credit notes."""

    declare = [("invoice", "billing_invoice%ROWTYPE"), ("given", "numeric"), ("insured", "numeric")]

    def __init__(self, name: str, invoice: str, operation, condition=None):
        func = f"""
            SELECT * INTO invoice FROM billing_invoice WHERE id = NEW.{invoice};
            SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(insurer_share), 0)
              INTO given, insured FROM billing_creditnote WHERE invoice_id = invoice.id;
            IF invoice.credited <> given OR invoice.insurer_credited <> insured THEN
                {refusal("invoice_credited_is_the_sum_of_its_credit_notes", "the credit notes do not add up")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class CreditLinesAddUp(_AtCommit):
    """A credit note's amount and tax are the sums of its lines. `note` names the column with the note's id."""

    declare = [("note", "billing_creditnote%ROWTYPE"), ("lines_amount", "numeric"), ("lines_tax", "numeric")]

    def __init__(self, name: str, note: str, operation, condition=None):
        func = f"""
            SELECT * INTO note FROM billing_creditnote WHERE id = NEW.{note};
            SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(tax), 0)
              INTO lines_amount, lines_tax FROM billing_creditline WHERE credit_note_id = note.id;
            IF note.amount <> lines_amount OR note.tax <> lines_tax THEN
                {refusal("credit_note_amount_is_the_sum_of_its_lines", "the lines do not add up to the credit note")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class CreditLineCounts(_AtCommit):
    """What a line of an invoice counts as credited is the sum of its credits. `line` names the column with the line's id."""

    declare = [("kept", "numeric"), ("given", "numeric")]

    def __init__(self, name: str, line: str, operation, condition=None):
        func = f"""
            SELECT credited INTO kept FROM billing_invoiceline WHERE id = NEW.{line};
            SELECT COALESCE(SUM(amount), 0) INTO given FROM billing_creditline WHERE line_id = NEW.{line};
            IF kept <> given THEN
                {refusal("line_credited_is_the_sum_of_its_credits", "the credits of a line do not add up")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class CreditOfOwnLine(pgtrigger.Trigger):
    """A credit note corrects lines of its own invoice only."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            IF NOT EXISTS (
                SELECT FROM billing_invoiceline line JOIN billing_creditnote note ON note.invoice_id = line.invoice_id
                 WHERE line.id = NEW.line_id AND note.id = NEW.credit_note_id
            ) THEN
                {refusal(name, "this line stands on another invoice")}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


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
    """Lines change while their invoice is a draft; afterwards they become void with it, or are credited. No line changes its invoice.

    `patient_share` follows from other columns, and is not computed yet when this runs. The share
    lock makes a writer wait for an invoice that is being issued, and then see it.
    """

    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete
    declare = [("invoice_state", "text"), ("changed", "text[]")]

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
            IF TG_OP = 'UPDATE' THEN
                SELECT array_agg(key) INTO changed
                  FROM jsonb_each(to_jsonb(NEW) - 'patient_share') written JOIN jsonb_each(to_jsonb(OLD)) kept USING (key)
                 WHERE written.value <> kept.value;
                IF (invoice_state = 'void' AND changed = '{{is_void}}' AND NEW.is_void)
                   OR (invoice_state = 'issued' AND changed = '{{credited}}') THEN
                    RETURN NEW;
                END IF;
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
