"""Reads shaped like the pages and endpoints of billing."""

from billing.selectors.cashier import desk_of, find_patient
from billing.selectors.charges import VisitToBill, handed_out_charges, to_bill_rows, unbilled_charges, visits_to_bill
from billing.selectors.claims import BATCH_HEADING, batch_rows, claims_for_list, to_claim, to_claim_by_payer
from billing.selectors.dunning import AGE_BANDS, overdue, overdue_of
from billing.selectors.invoices import (
    advance_of,
    credit_notes,
    dated_between,
    deposits_of,
    find_invoices,
    invoices_open_first,
    midnight,
    open_invoices,
    owed_by,
    payments_of,
    search_invoices,
    with_lines,
)
from billing.selectors.ledger import HEADING as LEDGER_HEADING
from billing.selectors.ledger import day_report
from billing.selectors.ledger import entries as ledger_entries
from billing.selectors.returns import InvoiceToCredit, Returned, invoices_to_credit, returned_on, to_credit_rows
from billing.selectors.shifts import expected_in, expected_in_each, movements_in, open_shift_of, pending_in, people_for, shifts_for_list

__all__ = [
    "AGE_BANDS",
    "BATCH_HEADING",
    "LEDGER_HEADING",
    "InvoiceToCredit",
    "Returned",
    "VisitToBill",
    "advance_of",
    "batch_rows",
    "claims_for_list",
    "credit_notes",
    "dated_between",
    "day_report",
    "deposits_of",
    "desk_of",
    "expected_in",
    "expected_in_each",
    "find_invoices",
    "find_patient",
    "handed_out_charges",
    "invoices_open_first",
    "invoices_to_credit",
    "ledger_entries",
    "midnight",
    "movements_in",
    "open_invoices",
    "open_shift_of",
    "overdue",
    "overdue_of",
    "owed_by",
    "payments_of",
    "pending_in",
    "people_for",
    "returned_on",
    "search_invoices",
    "shifts_for_list",
    "to_bill_rows",
    "to_claim",
    "to_claim_by_payer",
    "to_credit_rows",
    "unbilled_charges",
    "visits_to_bill",
    "with_lines",
]
