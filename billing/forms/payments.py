"""Money that comes in or goes back."""

from django import forms

from billing.forms.fields import ReasonForm, amount_field
from billing.models import COUNTER_METHODS, MONEY_METHODS, PaymentMethod
from clinic.core.forms import RequestIdField


class PaymentForm(forms.Form):
    method = forms.ChoiceField(label="Paid by", choices=COUNTER_METHODS, widget=forms.RadioSelect, initial=PaymentMethod.CASH)
    amount = amount_field()
    tendered = amount_field(label="Cash handed over", required=False, help_text="Empty: exactly the amount.")
    reference = forms.CharField(
        required=False,
        max_length=80,
        help_text="Of the card slip or transfer. Never a card number.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    second_method = forms.ChoiceField(label="And by", required=False)
    second_amount = amount_field(label="Amount by the second way", required=False)
    second_reference = forms.CharField(label="Its reference", required=False, max_length=80)
    request_id = RequestIdField()

    def __init__(self, *args, invoice=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["second_method"].choices = [("", "No second way"), *COUNTER_METHODS]
        if invoice is None:
            return
        if not invoice.insurer_share:
            for name in ("method", "second_method"):
                field = self.fields[name]
                field.choices = [choice for choice in field.choices if choice[0] != PaymentMethod.INSURANCE]
        by_patient = invoice.patient_balance > 0
        self.initial["amount"] = invoice.patient_balance if by_patient else invoice.insurer_balance
        if not by_patient:
            self.initial["method"] = PaymentMethod.INSURANCE

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("method") != PaymentMethod.CASH:
            cleaned["tendered"] = None  # left over from before the method was changed
        if bool(cleaned.get("second_method")) != bool(cleaned.get("second_amount")) and "second_amount" not in self.errors:
            self.add_error("second_amount", "A second way to pay has a way and an amount.")
        return cleaned

    @property
    def parts(self) -> list[dict]:
        """As the service takes them."""
        first = {name: self.cleaned_data[name] for name in ("method", "amount", "tendered", "reference")}
        if not self.cleaned_data.get("second_method"):
            return [first]
        return [first, {name: self.cleaned_data[f"second_{name}"] for name in ("method", "amount", "reference")}]


class DepositForm(forms.Form):
    """Money in advance."""

    method = forms.ChoiceField(label="Paid by", choices=MONEY_METHODS)
    amount = amount_field()
    reference = forms.CharField(required=False, max_length=80, help_text="Of the card slip or transfer. Never a card number.")
    request_id = RequestIdField()


class RefundForm(ReasonForm):
    amount = amount_field()
    field_order = ["amount", "reason"]
