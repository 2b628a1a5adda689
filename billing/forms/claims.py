"""What insurers answer."""

from django import forms

from billing.forms.fields import amount_field
from billing.models import ClaimStatus


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
