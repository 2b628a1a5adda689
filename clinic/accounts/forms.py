from collections.abc import Callable

from django import forms
from django.conf import settings
from django.contrib.auth.forms import PasswordChangeForm
from phonenumber_field.formfields import PhoneNumberField

from clinic.accounts.models import User
from clinic.core.errors import DomainError
from clinic.core.forms import DateInput


class SignInForm(forms.Form):
    """Shape only; the service says whether it is true."""

    username = forms.CharField(
        label="User name or e-mail", max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))


class SignUpForm(forms.Form):
    first_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name", "autofocus": True}))
    last_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "family-name"}))
    date_of_birth = forms.DateField(widget=DateInput(attrs={"autocomplete": "bday"}))
    phone = PhoneNumberField(region=settings.PHONENUMBER_DEFAULT_REGION, required=False)
    email = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["phone"].widget.attrs["autocomplete"] = "tel"


class ResetForm(forms.Form):
    email = forms.EmailField(
        label="E-mail of your account", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    )


class NewPasswordForm(forms.Form):
    """Typed once: it can be shown instead, and a mistyped one is set anew by another mail."""

    password = forms.CharField(
        label="New password",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )


class OwnPasswordForm(PasswordChangeForm):
    """`confirm` raises DomainError when the old password is not the user's."""

    def __init__(self, user: User, data, *, confirm: Callable[[str], None]):
        super().__init__(user, data)
        self._confirm = confirm

    def clean_old_password(self) -> str:
        try:
            self._confirm(self.cleaned_data["old_password"])
        except DomainError as refusal:
            raise forms.ValidationError(refusal.detail) from refusal
        return self.cleaned_data["old_password"]
