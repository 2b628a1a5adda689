"""What several forms are made of."""

from datetime import date

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from clinic.core.forms import DateInput


def amount_field(**kwargs) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01", "autocomplete": "off"})
    return forms.DecimalField(**{"max_digits": 12, "decimal_places": 2, "min_value": 0, "widget": widget, **kwargs})


def day_field(label: str, *, required: bool = False) -> forms.DateField:
    """A day that has a midnight in every time zone."""
    bounds = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2199, 12, 31))]
    return forms.DateField(label=label, required=required, widget=DateInput, validators=bounds)


def put_errors(form: forms.Form, errors: dict | None) -> None:
    """Show what a service found wrong beside the fields, as far as it names fields of this form."""
    for name, messages in (errors or {}).items():
        if name in form.fields and isinstance(messages, list):
            form.add_error(name, messages)


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
