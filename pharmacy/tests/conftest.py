"""What several tests of refusals have in common."""

import pytest
from django.apps import apps

from pharmacy.tests.factories import pharmacist

V1 = "/api/v1/"


@pytest.fixture
def counter(api_as):
    return api_as(pharmacist())


def everything_in(*models):
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.fixture
def refused(counter):
    """Sends a body and asserts a refusal with a code that leaves every row of the pharmacy as it was."""

    def send(path, body, *, status=400, code=None):
        models = list(apps.get_app_config("pharmacy").get_models())
        before = everything_in(*models)

        answer = counter.post(V1 + path, body, format="json")

        assert answer.status_code == status, answer.content
        assert answer.json()["code"] == code if code else answer.json()["code"]
        assert everything_in(*models) == before
        return answer

    return send
