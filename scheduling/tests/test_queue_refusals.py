"""Bad input at the queue: a clear refusal, and nothing written."""

from uuid import uuid4

import pytest

from clinic.accounts.tests.factories import DoctorFactory
from scheduling.models import Token, TokenTransition
from scheduling.tests.steps import change, problem, url, walk_in_now, words

pytestmark = pytest.mark.django_db
NOBODY = "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def token():
    return walk_in_now(DoctorFactory())


@pytest.fixture
def web(client_as, token):
    return client_as(token.queue.doctor.user)


@pytest.fixture
def nothing_written(token):
    """What stood before stands afterwards."""
    yield
    assert list(Token.objects.values_list("status", "version")) == [("waiting", 1)]
    assert TokenTransition.objects.count() == 1


@pytest.mark.usefixtures("nothing_written")
class TestOpenToken:
    @pytest.mark.parametrize("status", ["nonsense", "", "transferred", "\0", "WAITING"])
    def test_unknown_status_is_refused_in_place(self, web, token, status):
        form = {"status": status, "queue": token.queue.public_id}

        response = web.post(url("change_status", token.public_id), form, headers=HTMX)

        assert response.status_code == 422
        assert "There is no such status." in words(response) or "needs the queue to go to" in words(response)
        assert web.post(url("change_status", token.public_id), form).status_code == 400

    @pytest.mark.parametrize("status", ["nonsense", "", None, 7, ["done"], "transferred"])
    def test_unknown_status_over_the_api(self, api_as, token, status):
        api = api_as(token.queue.doctor.user)

        problem(api.patch(f"/api/v1/queue/{token.public_id}/status/", {"status": status}), 400, "invalid")

    def test_step_that_the_table_does_not_have(self, web, token):
        response = web.post(url("change_status", token.public_id), {"status": "done", "queue": token.queue.public_id}, headers=HTMX)

        assert response.status_code == 422
        assert f"Token {token.label} is waiting." in words(response)

    @pytest.mark.parametrize("queue", [NOBODY, "x", "", "\0"])
    def test_foreign_queue_calls_nobody(self, web, queue):
        assert web.post(url("call_next"), {"queue": queue}).status_code == 404

    @pytest.mark.parametrize("owner", [{"doctor": NOBODY}, {"department": "x"}, {}, {"doctor": None}])
    def test_foreign_queue_over_the_api(self, api_as, token, owner):
        problem(api_as(token.queue.doctor.user).post("/api/v1/queue/next/", owner), 400, "invalid")

    def test_both_owners_over_the_api(self, api_as, token):
        owners = {"doctor": token.queue.doctor.public_id, "department": token.queue.doctor.department.public_id}

        problem(api_as(token.queue.doctor.user).post("/api/v1/queue/next/", owners), 400, "invalid")

    @pytest.mark.parametrize("page", ["token", "slip", "change_status", "undo", "visit", "change_priority", "transfer", "vitals"])
    def test_unknown_token(self, web, page):
        address = url(page, NOBODY)

        assert (web.get(address) if page in {"token", "slip"} else web.post(address, {"request_id": uuid4()})).status_code in {403, 404}

    @pytest.mark.parametrize("path", ["status", "undo", "priority", "transfer"])
    def test_unknown_token_over_the_api(self, api_as, token, path):
        api, address = api_as(token.queue.doctor.user), f"/api/v1/queue/{NOBODY}/{path}/"
        body = {"status": "done", "priority": "urgent", "reason": "x", "doctor": DoctorFactory().public_id}

        problem(api.patch(address, body) if path == "status" else api.post(address, body), 404, "not_found")


class TestClosedToken:
    @pytest.mark.parametrize("status", ["called", "in_service", "done", "skipped", "waiting"])
    def test_goes_nowhere_any_more(self, api_as, web, token, status):
        change(token, "left")
        rows = TokenTransition.objects.count()
        api = api_as(token.queue.doctor.user)

        response = web.post(url("change_status", token.public_id), {"status": status, "queue": token.queue.public_id}, headers=HTMX)
        problem(api.patch(f"/api/v1/queue/{token.public_id}/status/", {"status": status}), 409, "wrong_status")

        assert response.status_code == 422
        assert f"Token {token.label} is left." in words(response)
        assert TokenTransition.objects.count() == rows

    def test_is_sent_nowhere_and_judged_no_more(self, api_as, token):
        change(token, "left")
        api = api_as(token.queue.doctor.user)

        problem(api.post(f"/api/v1/queue/{token.public_id}/priority/", {"priority": "urgent", "reason": "x"}), 409, "wrong_status")
        problem(api.post(f"/api/v1/queue/{token.public_id}/transfer/", {"doctor": DoctorFactory().public_id}), 409, "wrong_status")

        assert Token.objects.count() == 1
