from clinic.core.errors import DomainError


class NothingToBill(DomainError):
    code = "nothing_to_bill"
    detail = "This visit has no charges."


class AlreadyBilled(DomainError):
    code = "already_billed"
    detail = "Everything of this visit is billed already."


class VisitInError(DomainError):
    code = "visit_entered_in_error"
    detail = "This visit was entered in error: it is not billed."


class NotDraft(DomainError):
    code = "not_draft"
    detail = "Only a draft can be changed. This invoice was issued or is void."


class AlreadyIssued(DomainError):
    code = "already_issued"
    detail = "This invoice is issued already."


class AlreadyVoid(DomainError):
    code = "already_void"
    detail = "This invoice is void already."


class EmptyInvoice(DomainError):
    code = "empty_invoice"
    detail = "There is nothing on this invoice. Add a line first."


class HasPayments(DomainError):
    code = "has_payments"
    detail = "Something was paid for this invoice. Refund it first, then void the invoice."


class HasCreditNotes(DomainError):
    code = "has_credit_notes"
    detail = "There is a credit note for this invoice. Credit the rest instead."


class NotCreditable(DomainError):
    code = "not_creditable"
    detail = "Only an issued invoice is credited."


class NothingReturned(DomainError):
    code = "nothing_returned"
    detail = "Nothing of this invoice came back to the pharmacy that is not credited yet."


class CreditExceedsInvoice(DomainError):
    code = "credit_exceeds_invoice"
    detail = "That is more than is left of what was invoiced."


class NotPayable(DomainError):
    code = "not_payable"
    detail = "This invoice cannot be paid."


class NotInsured(DomainError):
    code = "not_insured"
    detail = "No insurer bears a share of this."


class MayNotDiscount(DomainError):
    code = "may_not_discount"
    status = 403
    detail = "You may not give a discount. Ask a manager."


class Overpayment(DomainError):
    code = "overpayment"
    detail = "That is more than is owed."


class NoDeposit(DomainError):
    code = "no_deposit"
    detail = "This patient has paid nothing in advance that is left."


class NoOpenShift(DomainError):
    code = "no_open_shift"
    detail = "Cash needs an open shift. Open yours, then try again."


class RefundExceedsPayment(DomainError):
    code = "refund_exceeds_payment"
    detail = "That is more than is left of this payment."


class NothingToClaim(DomainError):
    code = "nothing_to_claim"
    detail = "There is nothing to claim from an insurer."


class ClaimIsLive(DomainError):
    code = "claim_is_live"
    detail = "A claim for this invoice waits for its answer."


class ClaimClosed(DomainError):
    code = "claim_closed"
    detail = "This claim is answered already."


class ShiftAlreadyOpen(DomainError):
    code = "shift_already_open"
    detail = "You have an open shift already."


class ShiftClosed(DomainError):
    code = "shift_closed"
    detail = "This shift is closed already."


class NotYourShift(DomainError):
    code = "not_your_shift"
    status = 403
    detail = "Only its cashier, or who oversees the drawers, closes a shift."


class VarianceNeedsReason(DomainError):
    code = "variance_needs_reason"
    detail = "What was counted differs from what was expected. Say why."


class HandoverPending(DomainError):
    code = "handover_pending"
    detail = "Something of this shift is not finished."


class PriceOverlaps(DomainError):
    code = "price_overlaps"
    detail = "There is a price with this code in that period already."


class NoOnlinePayment(DomainError):
    code = "no_online_payment"
    detail = "This clinic takes no payments online."


class UntrustedEvent(DomainError):
    status = 400
    code = "untrusted_event"
    detail = "The signature does not fit."
