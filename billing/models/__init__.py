from billing.models.claim import Claim, ClaimBatch, ClaimStatus
from billing.models.credit import CreditLine, CreditNote, CreditNoteCounter
from billing.models.invoice import Invoice, InvoiceCounter, InvoiceState, InvoiceStatus
from billing.models.line import InvoiceLine, LineKind
from billing.models.payment import CashCount, Payment, PaymentMethod, Refund, Shift
from billing.models.price import Package, PackagePart, PriceItem

__all__ = [
    "CashCount",
    "Claim",
    "ClaimBatch",
    "ClaimStatus",
    "CreditLine",
    "CreditNote",
    "CreditNoteCounter",
    "Invoice",
    "InvoiceCounter",
    "InvoiceLine",
    "InvoiceState",
    "InvoiceStatus",
    "LineKind",
    "Package",
    "PackagePart",
    "Payment",
    "PaymentMethod",
    "PriceItem",
    "Refund",
    "Shift",
]
