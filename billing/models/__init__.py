from billing.models.invoice import Invoice, InvoiceCounter, InvoiceLine, InvoiceState, InvoiceStatus, LineKind
from billing.models.payment import CashCount, Payment, PaymentMethod, Refund, Shift
from billing.models.price import PriceItem

__all__ = [
    "CashCount",
    "Invoice",
    "InvoiceCounter",
    "InvoiceLine",
    "InvoiceState",
    "InvoiceStatus",
    "LineKind",
    "Payment",
    "PaymentMethod",
    "PriceItem",
    "Refund",
    "Shift",
]
