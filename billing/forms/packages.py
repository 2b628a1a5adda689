"""Packages of the price list."""

from django import forms

from billing.forms.fields import amount_field, day_field


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
