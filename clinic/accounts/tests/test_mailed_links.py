"""Signing up and forgotten passwords, by links that work once."""

from datetime import date, timedelta
from smtplib import SMTPException

import pytest
from django.core import mail
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from clinic.accounts.errors import LinkNotValid, MailLinksOff, TooManyMails
from clinic.accounts.models import ApiSession, LinkKind, MailedLink, SignUp, User
from clinic.accounts.roles import Role
from clinic.accounts.services import mailed_links, mailing
from clinic.accounts.services.mailed_links import MAILS_PER_ADDRESS, MAILS_PER_ORIGIN
from clinic.accounts.services.tokens import open_session
from clinic.accounts.tests.factories import PASSWORD, user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of

pytestmark = pytest.mark.django_db

SIGN_UP, CONFIRM = "/api/v1/auth/signup/", "/api/v1/auth/signup/confirm/"
RESET, RESET_CONFIRM = "/api/v1/auth/password-reset/", "/api/v1/auth/password-reset/confirm/"
SAID = {"first_name": "Zoë", "last_name": "Nakamura", "date_of_birth": "1984-02-29", "phone": "+12025550147", "email": "Zoe@Example.org"}
CHOSEN = "seven purple elephants"


@pytest.fixture(autouse=True)
def address(settings):
    settings.BASE_URL = "https://clinic.example"


def sent(now=None) -> list:
    mail.outbox.clear()
    mailing.send_links(now or timezone.now())
    return mail.outbox


def token_in(message) -> str:
    [link] = [line.strip() for line in message.body.splitlines() if "https://" in line]
    return link.rstrip("/").rsplit("/", 1)[-1]


def signed_up(client, **changes) -> str:
    """The token of the mail."""
    assert client.post(SIGN_UP, SAID | changes).status_code == 202
    [message] = sent()
    return token_in(message)


class TestSigningUp:
    def test_the_mailed_link_makes_an_account_that_sees_nothing_yet(self, api_as):
        client = api_as()

        token = signed_up(client)
        answer = client.post(CONFIRM, {"token": token, "password": CHOSEN})

        assert (answer.status_code, answer.json()["roles"]) == (201, ["PATIENT"])
        account = User.objects.get(email="zoe@example.org")
        assert (account.check_password(CHOSEN), account.is_staff, hasattr(account, "patient")) == (True, False, False)
        assert client.post("/api/v1/auth/login/", {"username": "zoe@example.org", "password": CHOSEN}).status_code == 200
        assert api_as(account).get("/api/v1/patients/").json()["count"] == 0
        assert OutboxEvent.objects.filter(action="accounts.user.signed_up", actor=account).count() == 1

    def test_it_works_once(self, api_as):
        client = api_as()
        token = signed_up(client)
        client.post(CONFIRM, {"token": token, "password": CHOSEN})

        again = client.post(CONFIRM, {"token": token, "password": "another long password"})

        assert (again.status_code, again.json()["code"]) == (409, "link_not_valid")
        assert User.objects.get(email="zoe@example.org").check_password(CHOSEN)

    def test_answers_are_the_same_for_known_and_unknown_addresses(self, api_as):
        known = user(Role.DOCTOR, email="known@example.org")

        answers = [api_as().post(SIGN_UP, SAID | {"email": email}) for email in ("KNOWN@example.org", "new@example.org")]

        assert answers[0].content == answers[1].content
        assert {answer.status_code for answer in answers} == {202}
        assert sorted(answers[0].headers) == sorted(answers[1].headers)
        to_known, to_new = sorted(sent(), key=lambda message: message.to)
        assert (to_known.to, "has an account already" in to_known.body) == ([known.email], True)
        assert to_new.to == ["new@example.org"]
        assert SignUp.objects.count() == 1

    def test_roles_passwords_and_patients_in_the_body_mean_nothing(self, api_as):
        client = api_as()
        token = signed_up(client, roles=["ADMIN"], is_staff=True, password="mine mine mine mine", patient="x", username="admin")
        client.post(CONFIRM, {"token": token, "password": CHOSEN, "roles": ["ADMIN"]})

        account = User.objects.get(email="zoe@example.org")
        assert (account.roles, account.username, account.is_staff, account.is_superuser) == ({"PATIENT"}, "zoe@example.org", False, False)
        assert not account.check_password("mine mine mine mine")

    def test_a_newer_link_ends_the_older(self, api_as):
        first, second = (signed_up(api_as()) for _ in range(2))

        assert not mailed_links.is_valid(first, LinkKind.SIGN_UP)
        assert mailed_links.is_valid(second, LinkKind.SIGN_UP)

    def test_an_old_link_is_refused(self, api_as):
        token = signed_up(api_as())
        MailedLink.objects.update(expires_at=timezone.now())

        with pytest.raises(LinkNotValid):
            mailed_links.confirm_sign_up(token=token, password=CHOSEN)
        assert not User.objects.exists()

    def test_an_address_that_staff_got_meanwhile_is_not_taken_over(self, api_as):
        token = signed_up(api_as())
        other = user(Role.NURSE, email="zoe@example.org")

        with pytest.raises(LinkNotValid):
            mailed_links.confirm_sign_up(token=token, password=CHOSEN)
        other.refresh_from_db()
        assert other.check_password(PASSWORD)

    @pytest.mark.parametrize("password", ["short", "1234567890", "password12", "Nakamura Zoë"])
    def test_a_weak_password_is_refused_and_the_link_stays_good(self, api_as, password):
        token = signed_up(api_as())

        answer = api_as().post(CONFIRM, {"token": token, "password": password})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
        assert not User.objects.exists()
        assert mailed_links.is_valid(token, LinkKind.SIGN_UP)

    @pytest.mark.parametrize(
        "changes",
        [
            {"email": "no address"}, {"email": None}, {"email": ["a@b.cd"]}, {"email": "a\0@example.org"}, {"email": "x" * 300 + "@a.bc"},
            {"first_name": " "}, {"first_name": "a\0b"}, {"first_name": "x" * 81}, {"first_name": {"a": 1}}, {"last_name": ""},
            {"date_of_birth": "1879-12-31"}, {"date_of_birth": "2999-01-01"}, {"date_of_birth": "29.2.84"}, {"date_of_birth": 5},
            {"phone": "12"}, {"phone": "\0"}, {"phone": [1]},
        ],
    )  # fmt: skip
    def test_bad_input_is_refused_by_field_and_writes_nothing(self, api_as, changes):
        answer = api_as().post(SIGN_UP, SAID | changes)

        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(changes))
        assert not MailedLink.objects.exists()

    @pytest.mark.parametrize("path", [CONFIRM, RESET_CONFIRM])
    @pytest.mark.parametrize("token", ["x", "a:b", "0" * 32, "../..", "é", "🦆:x", "6c1f0a520a6f4a0c9a551f6f4a3f2d11:forged"])
    def test_a_made_up_token_is_refused(self, api_as, path, token):
        answer = api_as().post(path, {"token": token, "password": CHOSEN})

        assert (answer.status_code, answer.json()["code"]) == (409, "link_not_valid")

    def test_without_the_clinics_address_there_is_no_sign_up(self, api_as, settings):
        settings.BASE_URL = ""

        assert api_as().post(SIGN_UP, SAID).json()["code"] == MailLinksOff.code
        assert b"sign-up" not in Client().get("/accounts/login/").content
        assert not MailedLink.objects.exists()

    def test_names_stand_in_no_mail_and_no_token(self, api_as):
        api_as().post(SIGN_UP, SAID)

        [message] = sent()

        assert not [word for word in ("Zo", "Nakamura", "1984", "0147") if word in message.body + message.subject]


class TestFloods:
    def test_one_address_gets_few_mails_and_the_answer_does_not_tell(self, api_as):
        answers = [api_as().post(SIGN_UP, SAID) for _ in range(MAILS_PER_ADDRESS + 2)]

        assert {answer.status_code for answer in answers} == {202}
        assert MailedLink.objects.count() == MAILS_PER_ADDRESS

    def test_one_origin_is_held_up_whatever_it_asks(self, api_as):
        user(Role.PATIENT, email="p0@example.org")
        for number in range(MAILS_PER_ORIGIN):
            assert api_as().post(SIGN_UP, SAID | {"email": f"p{number}@example.org"}).status_code == 202

        for path, email in ((SIGN_UP, "p0@example.org"), (SIGN_UP, "q@example.org"), (RESET, "p0@example.org"), (RESET, "q@example.org")):
            refused = api_as().post(path, SAID | {"email": email})
            assert (refused.status_code, refused.json()["code"]) == (429, TooManyMails.code)
        assert MailedLink.objects.count() == MAILS_PER_ORIGIN

    def test_after_an_hour_it_goes_on(self, api_as):
        for _ in range(MAILS_PER_ADDRESS):
            api_as().post(SIGN_UP, SAID)
        MailedLink.objects.update(created_at=timezone.now() - timedelta(minutes=61))

        api_as().post(SIGN_UP, SAID)

        assert MailedLink.objects.count() == MAILS_PER_ADDRESS + 1


class TestReset:
    def test_the_mailed_link_sets_a_password_once_and_ends_every_session(self, api_as):
        patient = user(Role.PATIENT, email="p@example.org")
        open_session(user=patient)
        api_as().post(RESET, {"email": "P@example.org"})
        [message] = sent()
        token = token_in(message)

        assert api_as().post(RESET_CONFIRM, {"token": token, "password": CHOSEN}).status_code == 204
        assert api_as().post(RESET_CONFIRM, {"token": token, "password": "another long password"}).status_code == 409

        patient.refresh_from_db()
        assert patient.check_password(CHOSEN)
        assert not ApiSession.objects.filter(user=patient, revoked_at=None).exists()

    @pytest.mark.parametrize("email", ["nobody@example.org", "nurse@example.org", "gone@example.org"])
    def test_to_strangers_staff_and_the_disabled_goes_nothing(self, api_as, email):
        user(Role.NURSE, Role.PATIENT, email="nurse@example.org")
        user(Role.PATIENT, email="gone@example.org", is_active=False)
        user(Role.PATIENT, email="p@example.org")

        answers = [api_as().post(RESET, {"email": each}) for each in (email, "p@example.org")]

        assert answers[0].content == answers[1].content
        assert [message.to for message in sent()] == [["p@example.org"]]

    def test_a_link_to_sign_up_sets_no_password_of_an_account(self, api_as):
        token = signed_up(api_as())

        with pytest.raises(LinkNotValid):
            mailed_links.reset_password(token=token, password=CHOSEN)

    def test_someone_disabled_meanwhile_stays_out(self, api_as):
        patient = user(Role.PATIENT, email="p@example.org")
        api_as().post(RESET, {"email": "p@example.org"})
        token = token_in(sent()[0])
        User.objects.update(is_active=False)

        with pytest.raises(LinkNotValid):
            mailed_links.reset_password(token=token, password=CHOSEN)
        patient.refresh_from_db()
        assert patient.check_password(PASSWORD)


class TestSending:
    def test_a_mail_that_fails_is_tried_again_later(self, api_as, monkeypatch):
        api_as().post(SIGN_UP, SAID)
        now = timezone.now()

        def refuse(message):
            raise SMTPException("no")

        with monkeypatch.context() as broken:
            broken.setattr("django.core.mail.EmailMessage.send", refuse)
            assert mailing.send_links(now) == 0

        assert sent(now + timedelta(minutes=1)) == []
        assert len(sent(now + timedelta(minutes=6))) == 1
        assert sent(now + timedelta(minutes=12)) == []

    def test_an_address_that_no_mail_can_have_keeps_back_no_other(self, api_as):
        for address in ("first@example.org", "second@example.org"):
            api_as().post(SIGN_UP, SAID | {"email": address})
        MailedLink.objects.filter(email="first@example.org").update(email="first@example\n.org")

        assert mailing.send_links(timezone.now()) == 1
        assert [message.to for message in mail.outbox] == [["second@example.org"]]

    def test_old_links_that_nobody_used_are_forgotten(self, api_as):
        signed_up(api_as())

        assert mailed_links.forget_old_links(timezone.now()) == 0
        assert mailed_links.forget_old_links(timezone.now() + timedelta(days=33)) > 0
        assert not SignUp.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_link_at_once_one_sets_the_password(api_as, at_once):
    token = signed_up(api_as())

    results = at_once(*(lambda n=n: mailed_links.confirm_sign_up(token=token, password=f"{CHOSEN} {n}") for n in range(2)))

    assert sorted(type(result).__name__ for result in results) == ["LinkNotValid", "User"]
    assert User.objects.count() == 1


class TestConstraints:
    def refused_by(self, **changes) -> str:
        values = {"kind": "sign_up", "email": "a@b.cd", "origin": "x", "expires_at": timezone.now()} | changes
        with pytest.raises(IntegrityError) as refusal:
            MailedLink.objects.create(**values)
        return constraint_of(refusal.value)

    def test_a_reset_has_a_user(self):
        assert self.refused_by(kind="reset") == "mailed_link_of_reset_has_a_user"

    def test_a_used_link_has_a_user(self):
        assert self.refused_by(used_at=timezone.now()) == "mailed_link_used_by_a_user"

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [({"first_name": ""}, "sign_up_has_a_name"), ({"dismissed_at": timezone.now()}, "sign_up_dismissed_by_someone")],
    )
    def test_a_sign_up_has_a_name_and_is_dismissed_by_someone(self, changes, constraint):
        link = MailedLink.objects.create(kind="sign_up", email="a@b.cd", origin="x", expires_at=timezone.now())
        values = {"link": link, "first_name": "A", "last_name": "B", "date_of_birth": date(1980, 1, 1)} | changes

        with pytest.raises(IntegrityError) as refusal:
            SignUp.objects.create(**values)
        assert constraint_of(refusal.value) == constraint


class TestPages:
    def test_a_patient_signs_up_and_in(self):
        client = Client()
        assert client.get("/accounts/sign-up/").status_code == 200

        asked = client.post("/accounts/sign-up/", SAID)
        [message] = sent()
        page = f"/accounts/sign-up/{token_in(message)}/"
        shown = client.get(page)
        done = client.post(page, {"password": CHOSEN})

        assert (asked.status_code, shown.status_code, done.url) == (202, 200, "/accounts/login/")
        assert client.get(page).status_code == 409
        assert client.post("/accounts/login/", {"username": "zoe@example.org", "password": CHOSEN}).status_code == 302
        assert b"ask at reception" in client.get("/home/").content

    def test_opening_the_link_uses_nothing(self):
        token = token_in((Client().post("/accounts/sign-up/", SAID), sent())[1][0])

        for _ in range(2):
            assert Client().get(f"/accounts/sign-up/{token}/").status_code == 200
        assert not User.objects.exists()

    def test_a_forgotten_password_is_set_anew(self):
        user(Role.PATIENT, email="p@example.org")

        assert Client().post("/accounts/password/forgotten/", {"email": "p@example.org"}).status_code == 202
        page = f"/accounts/password/new/{token_in(sent()[0])}/"
        weak = Client().post(page, {"password": "short"})
        done = Client().post(page, {"password": CHOSEN})

        assert (weak.status_code, b"too short" in weak.content, done.status_code) == (400, True, 302)

    @pytest.mark.parametrize("path", ["/accounts/sign-up/", "/accounts/password/forgotten/"])
    def test_bad_input_is_shown_beside_the_field(self, path):
        answer = Client().post(path, {"email": "no\0"})

        assert answer.status_code == 400
        assert not MailedLink.objects.exists()

    def test_a_damaged_link_says_what_to_do(self):
        for path in ("/accounts/sign-up/x/", "/accounts/password/new/a:b/"):
            answer = Client().get(path)
            assert (answer.status_code, b"Ask for another" in answer.content) == (409, True)
