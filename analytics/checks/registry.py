"""What the self-check looks at. One line a check."""

from analytics.checks import copies, star, sums
from analytics.checks.results import Check
from analytics.services.self_check import rows_of

CHECKS = (
    Check("stock", "What is on hand is the sum of its movements", rows_of(sums.STOCK)),
    Check("ledger", "Each movement goes on where the one before it ended", rows_of(sums.LEDGER)),
    Check("dispensed", "What was handed out and taken back stands in the ledger", rows_of(sums.DISPENSED)),
    Check("prescribed", "What counts as dispensed was handed out", rows_of(sums.PRESCRIBED)),
    Check("invoices", "An invoice is the sum of its lines", rows_of(sums.INVOICES)),
    Check("payments", "What counts as paid is the payments less their refunds", rows_of(sums.PAYMENTS)),
    Check("credits", "What counts as credited is the credit notes", rows_of(sums.CREDITS)),
    Check("numbers", "Invoices and credit notes are numbered without gaps in each year", rows_of(sums.NUMBERS)),
    Check("deposits", "What counts as applied of an advance, or given back, was", rows_of(sums.DEPOSITS)),
    Check("tokens", "Tokens are numbered 1 to N in each queue and day", rows_of(sums.TOKENS)),
    Check("star", "The figures' facts are what the operational tables say", star.facts),
    Check("figures", "The figures' sums are those of their facts, and the views show them", star.SUMS),
    Check("notes", "Each clinical note is where it should be, as it was written", copies.notes),
    Check("filing", "MongoDB's notes and files are those of their visit and patient, and no others", copies.filing),
    Check("signatures", "A signed visit is what was signed", copies.signatures),
    Check("live queue", "Redis shows the queues as PostgreSQL has them", copies.live_queue),
    Check("audit", "The audit chain holds, and MongoDB's copies are equal", copies.audit_chain),
)
