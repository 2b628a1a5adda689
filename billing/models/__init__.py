from billing.models.claim import Claim, ClaimBatch, ClaimStatus
from billing.models.credit import CreditLine, CreditNote, CreditNoteCounter
from billing.models.deposit import Deposit, DepositRefund
from billing.models.invoice import Invoice, InvoiceCounter, InvoiceState, InvoiceStatus
from billing.models.line import InvoiceLine, LineKind
from billing.models.online import EventOutcome, OnlinePayment, ProviderEvent
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
from billing.models.returning import ReturnCredit

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
    "EventOutcome",
    "Invoice",
    "InvoiceCounter",
    "InvoiceLine",
    "InvoiceState",
    "InvoiceStatus",
    "LineKind",
    "OnlinePayment",
    "Package",
    "PackagePart",
    "Payment",
    "PaymentMethod",
    "PriceItem",
    "ProviderEvent",
    "Refund",
    "ReturnCredit",
    "Shift",
]
