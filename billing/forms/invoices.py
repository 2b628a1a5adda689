"""Finding an invoice, and what is done to one: lines, discounts, credits."""

from uuid import UUID

from django import forms

from billing.forms.fields import ReasonForm, amount_field, day_field
from billing.models import InvoiceStatus
from clinic.core.forms import RequestIdField

_PACKAGE = "package "


class InvoiceSearch(forms.Form):
    q = forms.CharField(label="Number, MRN or name", required=False, max_length=100)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *InvoiceStatus.choices])
    date_from = day_field("From")
    date_to = day_field("To")


class DiscountForm(ReasonForm):
    """Off the whole draft, or off one line: an amount, or a percentage with its sign."""

    line = forms.ChoiceField(label="Off", required=False)
    off = forms.CharField(
        label="How much", max_length=16, help_text="5.00, or 10 %.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    field_order = ["line", "off", "reason"]

    def __init__(self, *args, invoice, **kwargs):
        super().__init__(*args, **kwargs)
        lines = [(str(line.public_id), line.description) for line in invoice.lines.all()]
        self.fields["line"].choices = [("", "The whole invoice"), *lines]

    def clean_off(self):
        text = self.cleaned_data["off"].replace(",", ".").strip()
        try:
            value = forms.DecimalField(max_digits=12, decimal_places=2, min_value=0).clean(text.removesuffix("%").strip())
        except forms.ValidationError as error:
            raise forms.ValidationError("An amount like 5.00, or a percentage like 10 %.") from error
        return {"percent" if text.endswith("%") else "amount": value}

    @property
    def what(self) -> dict:
        """As the service takes it."""
        line = self.cleaned_data["line"]
        return {"reason": self.cleaned_data["reason"], "line_id": UUID(line) if line else None, **self.cleaned_data["off"]}


class CreditForm(ReasonForm):
    """All of the invoice that is left, an amount spread over its lines, or an amount of one line."""

    line = forms.ChoiceField(label="Of", required=False)
    amount = amount_field()
    field_order = ["line", "amount", "reason"]

    def __init__(self, *args, invoice, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["line"].choices = [("", "The whole invoice")] + [
            (str(line.public_id), f"{line.description} ({line.creditable})") for line in invoice.lines.all() if line.creditable
        ]
        self.initial["amount"] = invoice.creditable

    @property
    def what(self) -> dict:
        """As the service takes it."""
        amount, line = self.cleaned_data["amount"], self.cleaned_data["line"]
        return {"lines": [{"id": line, "amount": amount}]} if line else {"amount": amount}


class LineForm(forms.Form):
    """One line by hand: from the price list, or typed."""

    price_item = forms.ChoiceField(label="From the price list", required=False)
    description = forms.CharField(required=False, max_length=200)
    quantity = forms.IntegerField(min_value=1, max_value=1_000_000, initial=1)
    unit_price = amount_field(label="Price each", required=False)
    tax_percent = forms.DecimalField(label="Tax %", required=False, min_value=0, max_value=100, max_digits=5, decimal_places=2)

    def __init__(self, *args, prices=(), packages=(), **kwargs):
        super().__init__(*args, **kwargs)
        listed = [(str(price.public_id), f"{price.name} ({price.unit_price})") for price in prices]
        bundles = [(f"{_PACKAGE}{package.public_id}", f"{package.name} ({package.price})") for package in packages]
        groups = [("Packages", bundles), ("Prices", listed)] if bundles else listed
        self.fields["price_item"].choices = [("", "Typed below"), *groups]

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("price_item"):
            for name in ("description", "unit_price"):
                if name not in self.errors and cleaned.get(name) in (None, ""):
                    self.add_error(name, "Fill this in, or choose from the price list.")
        return cleaned

    @property
    def line(self) -> dict:
        """As the services take it."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        chosen = given.get("price_item", "")
        if chosen.startswith(_PACKAGE):
            return {"package": chosen.removeprefix(_PACKAGE), "quantity": given["quantity"]}
        return given


class NewInvoiceForm(LineForm):
    mrn = forms.CharField(label="Patient's MRN", max_length=20)
    field_order = ["mrn", "price_item", "description", "quantity", "unit_price"]
    request_id = RequestIdField()

    @property
    def line(self) -> dict:
        return {name: value for name, value in super().line.items() if name not in {"mrn", "request_id"}}
