from django import forms


class SignInForm(forms.Form):
    """Shape only; the service says whether it is true."""

    username = forms.CharField(
        label="User name or e-mail", max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
