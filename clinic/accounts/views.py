from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from clinic.accounts.errors import InvalidCredentials, TooManyAttempts
from clinic.accounts.forms import SignInForm
from clinic.accounts.origin import origin_of, remember_device
from clinic.accounts.services.sign_in import sign_in
from clinic.accounts.services.staff import change_password
from clinic.accounts.services.tokens import record_sign_out
from clinic.core.pages import signed_in_page


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request):
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            user = sign_in(identifier=form.cleaned_data["username"], password=form.cleaned_data["password"], origin=origin_of(request))
        except (InvalidCredentials, TooManyAttempts) as refusal:
            form.add_error(None, refusal.detail)
            status = refusal.status
        else:
            auth.login(request, user)
            response = redirect(_next_url(request))
            remember_device(request, response)
            return response
    elif request.method == "POST":
        status = 400
    elif request.user.is_authenticated:
        return redirect(_next_url(request))
    return render(
        request, "accounts/login.html", {"form": form, "next": request.POST.get("next") or request.GET.get("next", "")}, status=status
    )


@require_POST
@signed_in_page
def logout(request):
    record_sign_out(user=request.user)
    auth.logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in_page
def password_change(request):
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        change_password(user=request.user, password=form.cleaned_data["new_password1"])
        auth.update_session_auth_hash(request, request.user)
        messages.success(request, "Your password was changed. Other devices have to sign in again.")
        return redirect("portal:home")
    return render(request, "accounts/password_change.html", {"form": form}, status=400 if form.is_bound else 200)


def _next_url(request) -> str:
    target = request.POST.get("next") or request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return reverse(settings.LOGIN_REDIRECT_URL)
