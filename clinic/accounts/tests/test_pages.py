import pytest
from django import forms
from django.test import Client

from clinic.accounts.errors import TooManyAttempts, WrongPassword
from clinic.accounts.models import User
from clinic.accounts.roles import Role
from clinic.accounts.services.sign_in import FAILURES_PER_ORIGIN
from clinic.accounts.tests.factories import PASSWORD, user
from clinic.audit.models import OutboxEvent

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def sign_in(client, username, password=PASSWORD, **more):
    return client.post(LOGIN, {"username": username, "password": password} | more)


def test_signing_in_goes_where_the_role_works_and_is_audited():
    nurse = user(Role.NURSE)

    answer = sign_in(Client(), nurse.username)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert OutboxEvent.objects.get(action="accounts.user.signed_in").actor == nurse


def test_next_stays_on_the_own_site():
    nurse = user(Role.NURSE)

    assert sign_in(Client(), nurse.username, next="/home/")["Location"] == "/home/"
    assert sign_in(Client(), nurse.username, next="https://evil.example/")["Location"] == "/"


def test_refused_sign_in_says_so_and_keeps_nobody_signed_in():
    nurse, client = user(Role.NURSE), Client()

    answer = sign_in(client, nurse.username, "wrong")

    assert answer.status_code == 401
    assert "do not match" in answer.content.decode()
    assert client.get("/home/").status_code == 302


def test_known_browser_is_not_locked_out_by_guesses_from_the_same_address():
    nurse, own, guesser = user(Role.NURSE), Client(), Client()
    sign_in(own, nurse.username)
    own.post("/accounts/logout/")
    for _ in range(6):
        refused = sign_in(guesser, nurse.username, "wrong")

    assert refused.status_code == 429
    assert sign_in(own, nurse.username).status_code == 302


def test_signing_out_ends_the_session(client_as):
    client = client_as(user(Role.NURSE))

    client.post("/accounts/logout/")

    assert client.get("/home/").status_code == 302


def test_new_password_is_kept_and_this_browser_stays_signed_in(client_as):
    nurse = user(Role.NURSE)
    client, other = client_as(nurse), client_as(nurse)
    new = "a wholly new phrase 7"

    client.post("/accounts/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert User.objects.get(pk=nurse.pk).check_password(new)
    assert client.get("/home/").status_code == 200
    assert other.get("/home/").status_code == 302


def test_guesses_at_the_old_password_count_with_those_at_signing_in(client_as):
    nurse = user(Role.NURSE)
    client, new = client_as(nurse), "a wholly new phrase 7"

    def change(old):
        page = client.post("/accounts/password/", {"old_password": old, "new_password1": new, "new_password2": new})
        return page.status_code, page.content.decode()

    for _ in range(FAILURES_PER_ORIGIN):
        status, said = change("not it")
        assert (status, WrongPassword.detail in said) == (400, True)
    status, said = change(PASSWORD)

    assert (status, TooManyAttempts.detail in said) == (400, True)
    assert User.objects.get(pk=nurse.pk).check_password(PASSWORD)
    assert OutboxEvent.objects.filter(action="accounts.user.password_refused").count() == FAILURES_PER_ORIGIN
    assert sign_in(Client(), nurse.username).status_code == TooManyAttempts.status


def test_signed_in_pages_are_stored_in_no_cache(client_as):
    assert "no-store" in client_as(user(Role.NURSE)).get("/home/")["Cache-Control"]


def test_admin_has_no_sign_in_page_of_its_own(client_as):
    assert Client().get("/admin/").status_code == 302
    assert Client().get("/admin/login/")["Location"].startswith(LOGIN)
    assert client_as(user(Role.NURSE)).get("/admin/").status_code == 403


def test_help_is_words_and_what_the_framework_wrote_as_a_list_stays_one(client_as):
    class Typed(forms.Form):
        name = forms.CharField(help_text="At most <b>3</b> & no more.")

    page = client_as(user(Role.NURSE)).get("/accounts/password/").content.decode()

    assert "<ul><li>" in page
    assert "&lt;li&gt;" not in page
    assert "At most &lt;b&gt;3&lt;/b&gt; &amp; no more." in str(Typed()["name"].as_field_group())


def test_admin_changes_no_password_and_signs_nobody_out_behind_the_clinics_back(client_as):
    client = client_as(user(Role.MANAGER))

    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/"
    assert client.post("/admin/logout/")["Location"] == LOGIN
    assert OutboxEvent.objects.filter(action="accounts.user.signed_out").count() == 1
    assert client.get("/admin/").status_code == 302


def test_argon2_is_what_a_clinic_stores(settings):
    settings.PASSWORD_HASHERS = ["clinic.accounts.hashers.ClinicArgon2Hasher"]
    nurse = user(Role.NURSE)

    assert nurse.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in(Client(), nurse.username).status_code == 302
