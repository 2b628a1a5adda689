"""The shape of what is typed at the desk. What it means is decided by the services."""

from billing.forms.claims import ClaimAnswerForm, RemittanceForm
from billing.forms.fields import ReasonForm, amount_field, day_field, put_errors
from billing.forms.invoices import CreditForm, DiscountForm, InvoiceSearch, LineForm, NewInvoiceForm
from billing.forms.packages import PackageForm
from billing.forms.payments import DepositForm, PaymentForm, RefundForm
from billing.forms.shifts import CloseShiftForm, DayForm, LedgerForm, OpenShiftForm

__all__ = [
    "ClaimAnswerForm",
    "CloseShiftForm",
    "CreditForm",
    "DayForm",
    "DepositForm",
    "DiscountForm",
    "InvoiceSearch",
    "LedgerForm",
    "LineForm",
    "NewInvoiceForm",
    "OpenShiftForm",
    "PackageForm",
    "PaymentForm",
    "ReasonForm",
    "RefundForm",
    "RemittanceForm",
    "amount_field",
    "day_field",
    "put_errors",
]
