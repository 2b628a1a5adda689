"""The drawer and its day."""

from datetime import timedelta

from django import forms
from django.conf import settings

from billing.forms.fields import amount_field, day_field
from billing.models import COUNTER_METHODS, PaymentMethod
from clinic.core.forms import RequestIdField


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
