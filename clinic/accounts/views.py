"""Signing in and out, signing up, and passwords. A GET of a mailed link only asks: mail scanners open every link."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from clinic.accounts.errors import InvalidCredentials, LinkNotValid, TooManyAttempts, WrongPassword
from clinic.accounts.forms import NewPasswordForm, OwnPasswordForm, ResetForm, SignInForm, SignUpForm
from clinic.accounts.models import LinkKind
from clinic.accounts.origin import origin_of, remember_device
from clinic.accounts.services import mailed_links
from clinic.accounts.services.sign_in import confirm, confirm_old_password, sign_in
from clinic.accounts.services.staff import change_password
from clinic.accounts.services.tokens import record_sign_out
from clinic.core.errors import DomainError
from clinic.core.http import problem_response
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
            if request.session.is_locked:
                request.session.unlock()
            response = redirect(_next_url(request))
            remember_device(request, response)
            return response
    elif request.method == "POST":
        status = 400
    elif request.user.is_authenticated:
        return redirect(_next_url(request))
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next", ""), "mails_links": bool(settings.BASE_URL)}
    return render(request, "accounts/login.html", context, status=status)


def answers_while_locked(view):
    """Mark what a locked browser may still ask for."""
    view.answers_while_locked = True
    return view


@answers_while_locked
@require_http_methods(["GET", "POST"])
@signed_in_page
def session(request):
    """For how long the session stays open, in seconds. Asking is no activity; a POST says that somebody is there."""
    if request.method == "POST":
        request.session.seen()
    return _session_state(request)


@answers_while_locked
@sensitive_post_parameters("password")
@require_POST
@signed_in_page
def unlock(request):
    """With the password of who signed in; the browser goes on where it was. A script gets the state of the session."""
    by_script = "application/json" in request.headers.get("Accept", "")
    try:
        confirm(user=request.user, password=request.POST.get("password", "")[:200], origin=origin_of(request))
    except (TooManyAttempts, WrongPassword) as refusal:
        request.refusal = refusal
        return problem_response(refusal) if by_script else locked_page(request, refusal, then=request.POST.get("next", ""))
    request.session.unlock()
    return _session_state(request) if by_script else redirect(_next_url(request))


def locked_page(request, refusal: DomainError, *, then: str) -> HttpResponse:
    """Asks for the password; afterwards the browser goes `then`."""
    return render(request, "accounts/locked.html", {"then": then, "refusal": refusal}, status=refusal.status)


def _session_state(request) -> JsonResponse:
    state = {"locks_in_s": request.session.locks_in.total_seconds(), "ends_in_s": request.session.ends_in.total_seconds()}
    return JsonResponse(state)


@answers_while_locked
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
    def confirm_old(password: str) -> None:
        confirm_old_password(user=request.user, password=password[:200], origin=origin_of(request))

    form = OwnPasswordForm(request.user, request.POST or None, confirm=confirm_old)
    if request.method == "POST" and form.is_valid():
        change_password(user=request.user, password=form.cleaned_data["new_password1"])
        auth.update_session_auth_hash(request, request.user)
        messages.success(request, "Your password was changed. Other devices have to sign in again.")
        return redirect("portal:home")
    return render(request, "accounts/password_change.html", {"form": form}, status=400 if form.is_bound else 200)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign_up(request):
    form = SignUpForm(request.POST or None)

    def ask():
        data = {**form.cleaned_data, "phone": str(form.cleaned_data["phone"] or "")}
        mailed_links.ask_to_sign_up(data=data, origin=origin_of(request))

    return _ask(request, form, ask, "accounts/sign_up.html")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def reset(request):
    form = ResetForm(request.POST or None)
    return _ask(
        request,
        form,
        lambda: mailed_links.ask_for_reset(email=form.cleaned_data["email"], origin=origin_of(request)),
        "accounts/reset.html",
    )


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_up_confirm(request, token: str):
    return _choose_password(request, token, LinkKind.SIGN_UP, mailed_links.confirm_sign_up, again="accounts:sign_up")


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def reset_confirm(request, token: str):
    return _choose_password(request, token, LinkKind.RESET, mailed_links.reset_password, again="accounts:reset")


def _ask(request, form, act: Callable[[], None], template: str) -> HttpResponse:
    """The same words whoever the address belongs to."""
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except DomainError as refusal:
            for name, words in (refusal.errors or {None: [refusal.detail]}).items():
                form.add_error(name, words)
            status = refusal.status
        else:
            return render(request, "accounts/mail_sent.html", {"again": request.path}, status=202)
    elif request.method == "POST":
        status = 400
    return render(request, template, {"form": form}, status=status)


def _choose_password(request, token: str, kind: LinkKind, act: Callable, *, again: str) -> HttpResponse:
    if not mailed_links.is_valid(token, kind):
        return render(request, "accounts/new_password.html", {"again": reverse(again)}, status=LinkNotValid.status)
    form = NewPasswordForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            act(token=token, password=form.cleaned_data["password"])
        except LinkNotValid as refusal:
            return render(request, "accounts/new_password.html", {"again": reverse(again)}, status=refusal.status)
        except DomainError as refusal:
            form.add_error("password", (refusal.errors or {}).get("password", refusal.detail))
            status = refusal.status
        else:
            messages.success(request, "The password is set. Sign in with your e-mail.")
            return redirect("accounts:login")
    elif request.method == "POST":
        status = 400
    return render(request, "accounts/new_password.html", {"form": form}, status=status)


def _next_url(request) -> str:
    target = request.POST.get("next") or request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return reverse(settings.LOGIN_REDIRECT_URL)
