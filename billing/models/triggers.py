"""Sums that the database holds. They are checked at commit, so that a service may write the parts in any order."""

import pgtrigger

from clinic.core.triggers import refusal


class AtCommit(pgtrigger.Trigger):
    when = pgtrigger.After
    timing = pgtrigger.Deferred


class Proven(pgtrigger.Trigger):
    """A row is written only when `proof`, a query about it, finds something; `sentence` says what is wrong otherwise."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert
    proof = sentence = ""

    def __init__(self, name: str):
        func = f"""
            IF NOT EXISTS (
                {self.proof}
            ) THEN
                {refusal(name, self.sentence)}
            END IF;
            RETURN NEW;
        """
        super().__init__(name=name, func=func)


class LinesAddUp(AtCommit):
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


class SumsKept(AtCommit):
    """Columns of a row are the sums of rows that point at it.

    A subclass says: `owner`, the table that keeps `sums` ({column: SQL over the parts}); `parts`, the table that is summed, and its
    column `by` that points at the owner; `rule` and `sentence` of the refusal. `key` names the column that holds the owner's id.
    """

    owner = parts = by = rule = sentence = ""
    sums: dict[str, str]

    def __init__(self, name: str, key: str, operation, condition=None):
        self.declare = [("kept", f"{self.owner}%ROWTYPE"), ("found", "numeric[]")]
        found = ", ".join(f"COALESCE({sql}, 0)" for sql in self.sums.values())
        differs = " OR ".join(f"kept.{column} <> found[{place}]" for place, column in enumerate(self.sums, 1))
        func = f"""
            SELECT * INTO kept FROM {self.owner} WHERE id = NEW.{key};
            SELECT ARRAY[{found}] INTO found FROM {self.parts} WHERE {self.by} = kept.id;
            IF {differs} THEN
                {refusal(self.rule, self.sentence)}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class PaymentsAddUp(SumsKept):
    """What an invoice counts as paid, and as paid by the insurer, is the sum of its payments less what was refunded of them."""

    owner, parts, by = "billing_invoice", "billing_payment", "invoice_id"
    sums = {"paid": "SUM(amount - refunded)", "insurer_paid": "SUM(amount - refunded) FILTER (WHERE method = 'insurance')"}
    rule, sentence = "invoice_paid_is_the_sum_of_its_payments", "the payments do not add up to what is paid"


class RefundsAddUp(SumsKept):
    """What a payment counts as refunded is the sum of its refunds."""

    owner, parts, by = "billing_payment", "billing_refund", "payment_id"
    sums = {"refunded": "SUM(amount)"}
    rule, sentence = "payment_refunded_is_the_sum_of_its_refunds", "the refunds do not add up"


class CreditsAddUp(SumsKept):
    """What an invoice counts as credited, and as credited to the insurer, is the sum of its credit notes."""

    owner, parts, by = "billing_invoice", "billing_creditnote", "invoice_id"
    sums = {"credited": "SUM(amount)", "insurer_credited": "SUM(insurer_share)"}
    rule, sentence = "invoice_credited_is_the_sum_of_its_credit_notes", "the credit notes do not add up"


class CreditLinesAddUp(SumsKept):
    """A credit note's amount and tax are the sums of its lines."""

    owner, parts, by = "billing_creditnote", "billing_creditline", "credit_note_id"
    sums = {"amount": "SUM(amount)", "tax": "SUM(tax)"}
    rule, sentence = "credit_note_amount_is_the_sum_of_its_lines", "the lines do not add up to the credit note"


class CreditLineCounts(SumsKept):
    """What a line of an invoice counts as credited is the sum of its credits."""

    owner, parts, by = "billing_invoiceline", "billing_creditline", "line_id"
    sums = {"credited": "SUM(amount)"}
    rule, sentence = "line_credited_is_the_sum_of_its_credits", "the credits of a line do not add up"


class DepositApplied(SumsKept):
    """What an advance counts as applied is the sum of the payments made from it, less what went back to it."""

    owner, parts, by = "billing_deposit", "billing_payment", "deposit_id"
    sums = {"applied": "SUM(amount - refunded)"}
    rule, sentence = "deposit_applied_is_the_sum_of_its_payments", "the payments do not add up to what is applied"


class DepositRefundsAddUp(SumsKept):
    """What an advance counts as refunded is the sum of its refunds."""

    owner, parts, by = "billing_deposit", "billing_depositrefund", "deposit_id"
    sums = {"refunded": "SUM(amount)"}
    rule, sentence = "deposit_refunded_is_the_sum_of_its_refunds", "the refunds of an advance do not add up"


class DepositOfPatient(Proven):
    """What one patient paid in advance never pays another's invoice."""

    condition = pgtrigger.Q(new__deposit__isnull=False)
    proof = """SELECT FROM billing_deposit deposit JOIN billing_invoice invoice ON invoice.patient_id = deposit.patient_id
                 WHERE deposit.id = NEW.deposit_id AND invoice.id = NEW.invoice_id"""
    sentence = "this was paid in advance by another patient"


class CreditOfOwnLine(Proven):
    """A credit note corrects lines of its own invoice only."""

    proof = """SELECT FROM billing_invoiceline line JOIN billing_creditnote note ON note.invoice_id = line.invoice_id
                 WHERE line.id = NEW.line_id AND note.id = NEW.credit_note_id"""
    sentence = "this line stands on another invoice"


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


class VarianceExplained(AtCommit):
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


class PiecesAddUp(AtCommit):
    """The notes and coins of a count are the cash that was counted."""

    operation = pgtrigger.Insert
    declare = [("cash", "numeric"), ("found", "numeric")]

    def __init__(self, name: str):
        func = f"""
            SELECT counted INTO cash FROM billing_cashcount WHERE shift_id = NEW.shift_id AND method = 'cash';
            SELECT SUM(value * number) INTO found FROM billing_denominationcount WHERE shift_id = NEW.shift_id;
            IF cash IS DISTINCT FROM found THEN
                {refusal(name, "the notes and coins do not add up to the cash")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, func=func)


class HandedOver(AtCommit):
    """A shift that was handed over begins with the cash that was counted when the one before closed."""

    operation = pgtrigger.Insert

    def __init__(self, name: str):
        func = f"""
            IF NOT EXISTS (
                SELECT FROM billing_shift former JOIN billing_cashcount counted ON counted.shift_id = former.id AND counted.method = 'cash'
                 WHERE former.id = NEW.handed_over_from_id AND former.closed_at IS NOT NULL AND counted.counted = NEW.opening_float
            ) THEN
                {refusal(name, "a shift begins with the cash that was handed over")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, condition=pgtrigger.Q(new__handed_over_from__isnull=False), func=func)


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
                   OR (invoice_state = 'issued' AND changed <@ '{{credited,credited_quantity}}') THEN
                    RETURN NEW;
                END IF;
            END IF;
            {refusal(name, "the invoice is issued")}
        """
        super().__init__(name=name, func=func)


class LineOfPatient(Proven):
    """What was prescribed to one patient never stands on another's invoice."""

    operation = pgtrigger.Insert | pgtrigger.UpdateOf("prescription_item_id")
    condition = pgtrigger.Q(new__prescription_item__isnull=False)
    proof = """SELECT FROM pharmacy_prescriptionitem item
                  JOIN pharmacy_prescription prescription ON prescription.id = item.prescription_id
                  JOIN billing_invoice invoice ON invoice.patient_id = prescription.patient_id
                 WHERE item.id = NEW.prescription_item_id AND invoice.id = NEW.invoice_id"""
    sentence = "this was prescribed to another patient"
