from billing.models.claim import Claim, ClaimBatch, ClaimStatus
from billing.models.credit import CreditLine, CreditNote, CreditNoteCounter
from billing.models.deposit import Deposit, DepositRefund
from billing.models.invoice import Invoice, InvoiceCounter, InvoiceState, InvoiceStatus
from billing.models.line import InvoiceLine, LineKind
from billing.models.payment import (
    COUNTER_METHODS,
    DEPOSIT_METHODS,
    MONEY_METHODS,
    CashCount,
    DenominationCount,
    Payment,
    PaymentMethod,
    Refund,
    Shift,
)
from billing.models.price import Package, PackagePart, PriceItem

__all__ = [
    "COUNTER_METHODS",
    "DEPOSIT_METHODS",
    "MONEY_METHODS",
    "CashCount",
    "Claim",
    "ClaimBatch",
    "ClaimStatus",
    "CreditLine",
    "CreditNote",
    "CreditNoteCounter",
    "DenominationCount",
    "Deposit",
    "DepositRefund",
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
