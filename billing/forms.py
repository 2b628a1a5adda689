"""The shape of what is typed at the desk. What it means is decided by the services."""

from datetime import date, timedelta
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator

from billing.models import COUNTER_METHODS, MONEY_METHODS, ClaimStatus, InvoiceStatus, PaymentMethod
from clinic.core.forms import DateInput, RequestIdField


def amount_field(**kwargs) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01", "autocomplete": "off"})
    return forms.DecimalField(**{"max_digits": 12, "decimal_places": 2, "min_value": 0, "widget": widget, **kwargs})


def put_errors(form: forms.Form, errors: dict | None) -> None:
    """Show what a service found wrong beside the fields, as far as it names fields of this form."""
    for name, messages in (errors or {}).items():
        if name in form.fields and isinstance(messages, list):
            form.add_error(name, messages)


def day_field(label: str, *, required: bool = False) -> forms.DateField:
    """A day that has a midnight in every time zone."""
    bounds = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2199, 12, 31))]
    return forms.DateField(label=label, required=required, widget=DateInput, validators=bounds)


class InvoiceSearch(forms.Form):
    q = forms.CharField(label="Number, MRN or name", required=False, max_length=100)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *InvoiceStatus.choices])
    date_from = day_field("From")
    date_to = day_field("To")


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


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class RefundForm(ReasonForm):
    amount = amount_field()
    field_order = ["amount", "reason"]


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


class ClaimAnswerForm(forms.Form):
    status = forms.ChoiceField(
        label="Answer", choices=[choice for choice in ClaimStatus.choices if choice[0] != ClaimStatus.SUBMITTED], widget=forms.RadioSelect
    )
    amount = amount_field(required=False, help_text="Empty: all that was claimed.")
    reason = forms.CharField(required=False, max_length=200, help_text="Needed for a rejection.")
    reference = forms.CharField(required=False, max_length=80, help_text="Of the insurer's transfer.")


class RemittanceForm(forms.Form):
    """A file, or the text of one that was checked."""

    file = forms.FileField(label="CSV file", required=False)
    text = forms.CharField(required=False, widget=forms.HiddenInput, max_length=500_000, strip=False)

    def clean(self):
        cleaned = super().clean()
        if file := cleaned.get("file"):
            if file.size > 500_000:
                raise forms.ValidationError("The file is too large: at most 500 kB.")
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError("This is not a text file in UTF-8.") from error
        if not self.errors and not cleaned.get("text"):
            self.add_error("file", "Choose a file.")
        return cleaned


class DayForm(forms.Form):
    on = day_field("Day")


class LedgerForm(forms.Form):
    """At most a leap year of it at once."""

    date_from = day_field("From", required=True)
    date_to = day_field("To", required=True)
    form = forms.ChoiceField(label="As", choices=[("xlsx", "Excel"), ("csv", "CSV")])

    def clean(self):
        cleaned = super().clean()
        if not self.errors and not timedelta(0) <= cleaned["date_to"] - cleaned["date_from"] <= timedelta(days=366):
            self.add_error("date_to", "Must be the same day or later, at most a year.")
        return cleaned


_PACKAGE = "package "


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


class PackageForm(forms.Form):
    """A package: its parts are typed one to a line, `2 ECG` or `ECG`."""

    code = forms.CharField(max_length=30)
    name = forms.CharField(max_length=120)
    price = amount_field(label="Price, before tax")
    parts = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), help_text="One code of the price list to a line; '2 ECG' is two.")
    valid_from = day_field("From", required=True)

    def clean_parts(self):
        parts = {}
        for words in (line.split() for line in self.cleaned_data["parts"].splitlines() if line.strip()):
            quantity, code = (int(words[0]), words[1]) if len(words) == 2 and words[0].isdecimal() and len(words[0]) < 5 else (1, words[0])
            if len(words) > 2 or code in parts or not quantity:
                raise forms.ValidationError("One code to a line, each once, with its number before it.")
            parts[code] = quantity
        return parts


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


class OpenShiftForm(forms.Form):
    opening_float = amount_field(label="Cash in the drawer", help_text="What you start with, counted.")
    request_id = RequestIdField()


class CloseShiftForm(forms.Form):
    """One field for each way to pay: `count_cash`, `count_card`, ..."""

    reason = forms.CharField(
        label="Why it differs", required=False, max_length=200, help_text="Needed when a count differs from what is expected."
    )

    def __init__(self, *args, expected: dict, people=(), **kwargs):
        super().__init__(*args, **kwargs)
        for place, value in enumerate(settings.CASH_DENOMINATIONS):
            self.fields[f"piece_{place}"] = forms.IntegerField(label=f"{value:f}", required=False, min_value=0, max_value=1_000_000)
        self.fields["to"] = forms.ChoiceField(label="Hand over to", required=False)
        self.fields["to"].choices = [("", "Nobody: the drawer is closed"), *((str(person.public_id), str(person)) for person in people)]
        for method, label in COUNTER_METHODS:
            needed = method != PaymentMethod.CASH and bool(expected.get(method))
            self.fields[f"count_{method}"] = amount_field(label=label, required=needed, min_value=None)
        self.order_fields([*(f"count_{method}" for method, _ in COUNTER_METHODS), "reason", "to"])

    @property
    def pieces(self):
        return [self[f"piece_{place}"] for place in range(len(settings.CASH_DENOMINATIONS))]

    @property
    def denominations(self) -> dict:
        numbers = {value: self.cleaned_data.get(f"piece_{place}") for place, value in enumerate(settings.CASH_DENOMINATIONS)}
        return {value: number for value, number in numbers.items() if number}

    def clean(self):
        """Cash is what was typed, or what the notes and coins add up to."""
        cleaned = super().clean()
        if not self.errors and cleaned.get("count_cash") is None and not self.denominations:
            self.add_error("count_cash", "Count the cash, by its sum or by notes and coins.")
        return cleaned

    @property
    def counted(self) -> dict:
        values = {method: self.cleaned_data.get(f"count_{method}") for method, _ in COUNTER_METHODS}
        return {name: value for name, value in values.items() if value is not None}
