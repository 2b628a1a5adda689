from django import forms
from django.core.exceptions import ValidationError

from billing.forms import day_field
from clinic.accounts.models import User
from patients.models import Patient


class AuditSearch(forms.Form):
    """What the log is narrowed to; all of it stands in the address."""

    who = forms.CharField(label="User name", required=False, max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    patient = forms.CharField(label="MRN", required=False, max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    action = forms.CharField(required=False, max_length=80, widget=forms.TextInput(attrs={"placeholder": "patients.chart.read"}))
    date_from = day_field("From")
    date_to = day_field("To")
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_who(self):
        name = self.cleaned_data["who"]
        if not name:
            return None
        user = User.objects.filter(username__iexact=name).first()
        if user is None:
            raise ValidationError("There is no user of this name.")
        return user

    def clean_patient(self):
        mrn = self.cleaned_data["patient"].upper()
        if not mrn:
            return None
        patient = Patient.objects.filter(mrn=mrn).first()
        if patient is None:
            raise ValidationError("There is no patient with this MRN.")
        return patient

    def clean(self):
        values = super().clean()
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and first > last:
            self.add_error("date_to", "The last day lies before the first.")
        return values
