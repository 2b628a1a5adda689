import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinic.accounts.models import ApiSession, User
from clinic.accounts.roles import Role
from clinic.accounts.services.staff import change_password, set_active
from clinic.accounts.tests.factories import PASSWORD, DepartmentFactory, DoctorFactory, user
from clinic.audit.models import OutboxEvent

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login/"
REFRESH = "/api/v1/auth/refresh/"
ME = "/api/v1/auth/me/"


def login(username, password=PASSWORD, **headers):
    return APIClient().post(LOGIN, {"username": username, "password": password}, headers=headers)


def bearer(access):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def test_signs_in_by_name_or_email_in_any_case():
    reception = user(Role.RECEPTION, username="desk", email="Desk@example.org")

    for name in ("desk", "DESK", "desk@EXAMPLE.org"):
        answer = login(name)
        assert answer.status_code == 200
        assert answer.json()["user"] == {"id": str(reception.public_id), "name": str(reception), "roles": ["RECEPTION"]}
        assert bearer(answer.json()["access"]).get(ME).status_code == 200


@pytest.mark.parametrize("body", [{}, {"username": "desk"}, {"username": "desk\x00", "password": "x"}, {"username": ["a"], "password": {}}])
def test_refuses_a_malformed_login(body):
    answer = APIClient().post(LOGIN, body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "5",
        "true",
        "1.5",
        "[" * 90_000 + "]" * 90_000,
        '{"a":' * 90_000 + "1" + "}" * 90_000,
        '{"username": "\\ud800", "password": "x"}',
        '{"n": 1e999}',
        "[1]",
        '"x"',
        "null",
    ],
)
def test_json_that_cannot_be_used_is_a_clear_refusal(body):
    answer = APIClient().post(LOGIN, data=body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_unknown_name_and_wrong_password_answer_alike():
    user(Role.RECEPTION, username="desk")

    wrong, unknown = login("desk", "wrong"), login("nobody", "wrong")

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert not ApiSession.objects.exists()


def test_locks_an_origin_after_five_failures_even_with_the_right_password():
    user(Role.RECEPTION, username="desk")
    for _ in range(5):
        assert login("desk", "wrong").status_code == 401

    refused = login("desk")

    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_attempts"
    assert OutboxEvent.objects.filter(action="accounts.user.locked_out").count() == 1


def test_guesses_from_many_strangers_do_not_lock_out_a_known_address(settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    user(Role.RECEPTION, username="desk")
    assert login("desk", **{"X-Forwarded-For": "192.0.2.1"}).status_code == 200
    for number in range(32):
        login("desk", "wrong", **{"X-Forwarded-For": f"198.51.100.{number}"})

    assert login("desk", **{"X-Forwarded-For": "198.51.100.77"}).status_code == 429
    assert login("desk", **{"X-Forwarded-For": "192.0.2.1"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_are_all_counted(at_once):
    user(Role.RECEPTION, username="desk")

    answers = at_once(*[lambda: login("desk", "wrong").status_code] * 12)

    assert sorted(answers) == [401] * 5 + [429] * 7


def test_me_names_the_own_doctor_row():
    doctor = DoctorFactory()

    me = bearer(login(doctor.user.username).json()["access"]).get(ME).json()

    assert me["doctor"] == str(doctor.public_id)
    assert me["patient"] is None


def test_refresh_token_works_once_and_a_second_use_ends_the_session():
    user(Role.RECEPTION, username="desk")
    first = login("desk").json()
    second = APIClient().post(REFRESH, {"refresh": first["refresh"]}).json()

    again = APIClient().post(REFRESH, {"refresh": first["refresh"]})

    assert again.status_code == 401
    assert bearer(second["access"]).get(ME).status_code == 401
    assert APIClient().post(REFRESH, {"refresh": second["refresh"]}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_one_of_two_parallel_refreshes_wins(at_once):
    user(Role.RECEPTION, username="desk")
    refresh = login("desk").json()["refresh"]

    answers = at_once(*[lambda: APIClient().post(REFRESH, {"refresh": refresh}).status_code] * 2)

    assert sorted(answers) == [200, 401]


@pytest.mark.parametrize("by", ["bearer", "refresh"])
def test_logout_ends_both_tokens(by):
    user(Role.RECEPTION, username="desk")
    tokens = login("desk").json()
    client = bearer(tokens["access"]) if by == "bearer" else APIClient()

    assert client.post("/api/v1/auth/logout/", {"refresh": tokens["refresh"]}).status_code == 204

    assert bearer(tokens["access"]).get(ME).status_code == 401
    assert APIClient().post(REFRESH, {"refresh": tokens["refresh"]}).status_code == 401


def test_disabling_or_a_new_password_ends_access_at_once(client_as):
    admin = user(Role.ADMIN)
    for end in (lambda u: set_active(user=u, is_active=False, by=admin), lambda u: change_password(user=u, password="another good one 9")):
        nurse = user(Role.NURSE)
        access, page = login(nurse.username).json()["access"], client_as(nurse)
        assert page.get("/home/").status_code == 200

        end(User.objects.get(pk=nurse.pk))

        assert bearer(access).get(ME).status_code == 401
        assert page.get("/home/").status_code == 302


def test_who_is_let_in_again_has_to_sign_in_anew():
    admin, nurse = user(Role.ADMIN), user(Role.NURSE)
    tokens = login(nurse.username).json()

    for is_active in (False, True):
        set_active(user=nurse, is_active=is_active, by=admin)

    assert bearer(tokens["access"]).get(ME).status_code == 401
    assert APIClient().post(REFRESH, {"refresh": tokens["refresh"]}).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzaWQiOiIxIn0."])
def test_damaged_token_is_refused(token):
    answer = bearer(token).get(ME)

    assert answer.status_code == 401
    assert "Bearer" in answer["WWW-Authenticate"]


def test_expired_session_cannot_be_refreshed():
    user(Role.RECEPTION, username="desk")
    refresh = login("desk").json()["refresh"]
    ApiSession.objects.update(expires_at=timezone.now())

    assert APIClient().post(REFRESH, {"refresh": refresh}).status_code == 401


STAFF = {
    "username": "newbie",
    "email": "newbie@example.org",
    "password": "a long enough phrase",
    "first_name": "New",
    "last_name": "Person",
    "roles": ["NURSE"],
}


def test_administrator_registers_staff(api_as):
    answer = api_as(user(Role.ADMIN)).post("/api/v1/auth/register/", STAFF)

    assert answer.status_code == 201
    assert answer.json()["roles"] == ["NURSE"]
    assert login("newbie", STAFF["password"]).status_code == 200


def test_administrator_registers_a_doctor_with_details(api_as):
    doctor = {"department": str(DepartmentFactory().public_id), "licence_number": "L-77", "consultation_fee": "55.00"}

    answer = api_as(user(Role.ADMIN)).post("/api/v1/auth/register/", STAFF | {"roles": ["DOCTOR"], "doctor": doctor})

    assert answer.status_code == 201
    assert answer.json()["doctor"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"roles": ["WIZARD"]}, "roles"),
        ({"roles": []}, "roles"),
        ({"roles": ["DOCTOR"]}, "doctor"),
        ({"username": "a b"}, "username"),
    ],
)
def test_refuses_impossible_staff(api_as, change, field):
    admin = user(Role.ADMIN)

    answer = api_as(admin).post("/api/v1/auth/register/", STAFF | change)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert User.objects.exclude(pk=admin.pk).count() == 0


def test_refuses_a_name_that_is_taken_in_another_case(api_as):
    user(Role.NURSE, username="NEWBIE")

    answer = api_as(user(Role.ADMIN)).post("/api/v1/auth/register/", STAFF)

    assert answer.status_code == 409
    assert answer.json()["code"] == "name_taken"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_registers_staff(api_as, role):
    assert api_as(user(role)).post("/api/v1/auth/register/", STAFF).status_code == 403
