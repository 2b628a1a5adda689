import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from clinic.accounts.models import Facility
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.api import idempotent
from clinic.audit.models import AnsweredRequest, OutboxEvent
from clinic.audit.services.idempotency import fingerprint_of, forget_old_answers
from clinic.core.api import ANY_SIGNED_IN
from clinic.core.errors import DomainError

pytestmark = pytest.mark.django_db


class TooFull(DomainError):
    code = "too_full"


class OpenFacility(APIView):
    """A view with one effect; `then` runs after it, inside the request."""

    action_permissions = {"post": ANY_SIGNED_IN}
    then = staticmethod(lambda: None)

    @idempotent
    def post(self, request):
        facility = Facility.objects.create(name=request.data["name"])
        self.then()
        return Response({"id": str(facility.public_id), "request_id": str(request.request_id)}, status=201)


def ask(by, name="East", key="k-1", then=lambda: None, view=OpenFacility):
    headers = {"Idempotency-Key": key} if key is not None else {}
    request = APIRequestFactory().post("/facilities/", {"name": name}, headers=headers)
    force_authenticate(request, by)
    response = view.as_view(then=then)(request)
    response.render()
    return response


def test_same_key_and_body_have_one_effect_and_one_answer():
    by = user(Role.ADMIN)

    first, second = ask(by), ask(by)

    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert Facility.objects.count() == 1


def test_second_answer_is_the_first_to_the_byte_with_its_etag():
    class Answers(OpenFacility):
        @idempotent
        def post(self, request):
            return Response({"zebra": 1.5, "a": {"long_name": None, "b": "é"}}, status=201, headers={"ETag": '"7"'})

    by = user(Role.ADMIN)

    first, second = (ask(by, view=Answers) for _ in range(2))

    assert first.content == second.content == '{"zebra":1.5,"a":{"long_name":null,"b":"é"}}'.encode()
    assert first["ETag"] == second["ETag"] == '"7"'


def test_file_with_other_content_is_another_request():
    def fingerprint(content):
        return fingerprint_of("POST", "/files/", {"file": SimpleUploadedFile("scan.pdf", content)})

    assert fingerprint(b"one") == fingerprint(b"one") != fingerprint(b"two")


def test_file_is_whole_after_it_was_compared():
    file = SimpleUploadedFile("scan.pdf", b"one")

    fingerprint_of("POST", "/files/", {"file": file})

    assert file.read() == b"one"


def test_same_key_with_another_body_is_refused():
    by = user(Role.ADMIN)
    ask(by)

    answer = ask(by, name="West")

    assert (answer.status_code, answer.data["code"]) == (422, "idempotency_key_reused")
    assert Facility.objects.count() == 1


def test_keys_of_two_users_are_apart():
    ask(user(Role.ADMIN), name="East")

    assert ask(user(Role.ADMIN), name="West").status_code == 201


def test_refusal_is_kept_and_leaves_no_effect():
    by = user(Role.ADMIN)

    def refuse():
        raise TooFull

    first = ask(by, then=refuse)
    second = ask(by)  # would work by now, but this key has its answer

    assert first.status_code == second.status_code == 409
    assert first.data["code"] == second.data["code"] == "too_full"
    assert not Facility.objects.exists()
    assert OutboxEvent.objects.filter(action="request.refused").count() == 1


def test_crash_leaves_neither_effect_nor_answer():
    by = user(Role.ADMIN)

    def crash():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ask(by, then=crash)

    assert not Facility.objects.exists()
    assert not AnsweredRequest.objects.exists()
    assert ask(by).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
def test_impossible_key_is_refused(key):
    answer = ask(user(Role.ADMIN), key=key)

    assert (answer.status_code, answer.data["code"]) == (400, "invalid_idempotency_key")
    assert not Facility.objects.exists()


def test_longest_key_works():
    assert ask(user(Role.ADMIN), key="x" * 255).status_code == 201


def test_without_a_key_each_request_has_its_effect():
    by = user(Role.ADMIN)

    assert ask(by, name="East", key=None).data["request_id"] != ask(by, name="West", key=None).data["request_id"]
    assert Facility.objects.count() == 2


def test_refusal_that_names_rows_by_number_is_kept_like_any_other():
    by = user(Role.ADMIN)

    def refuse():
        raise ValidationError({"items": {0: {"quantity": ["A valid integer is required."]}}})

    first, again = ask(by, then=refuse), ask(by, then=refuse)

    assert first.status_code == again.status_code == 400
    assert first.data["errors"] == again.data["errors"] == {"items": {"0": {"quantity": ["A valid integer is required."]}}}


def test_old_answers_are_forgotten_and_fresh_ones_kept():
    by = user(Role.ADMIN)
    ask(by, name="East", key="old")
    ask(by, name="West", key="new")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_answeredrequest SET answered_at = now() - interval '49 hours' WHERE key = 'old'")

    assert forget_old_answers() == 1
    assert AnsweredRequest.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_second_request_during_the_first_is_told_so(at_once):
    by = user(Role.ADMIN)
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        go_on.wait(10)

    def second():
        inside.wait(10)
        try:
            return ask(by)
        finally:
            go_on.set()

    first, other = at_once(lambda: ask(by, then=wait), second)

    assert first.status_code == 201
    assert (other.status_code, other.data["code"]) == (409, "request_in_progress")
    assert Facility.objects.count() == 1
