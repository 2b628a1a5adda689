import json
import logging

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from clinic.core.logs import JsonFormatter
from clinic.core.views import server_error


def answer_to(error, path="/home/"):
    request = RequestFactory().get(path)
    try:
        raise error
    except type(error):
        return server_error(request)


def away(cause=None):
    error = OperationalError("connection to server failed for Ann Bell")
    error.__cause__ = cause
    return error


def test_page_says_that_the_database_is_away():
    answer = answer_to(away())

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "Nothing was saved" in answer.content.decode()


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (None, "database_down"),
        (psycopg.errors.AdminShutdown(), "database_down"),
        (psycopg.errors.QueryCanceled(), "busy"),
        (psycopg.errors.LockNotAvailable(), "busy"),
    ],
)
def test_api_answers_503_with_a_code(cause, code):
    answer = answer_to(away(cause), "/api/v1/doctors/")

    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "2", "application/problem+json")
    assert json.loads(answer.content)["code"] == code


def test_a_fault_of_ours_is_500_and_quotes_nothing():
    answer = answer_to(ValueError("Ann Bell"), "/api/v1/doctors/")

    assert answer.status_code == 500
    assert b"Ann" not in answer.content


def test_log_tells_an_exception_by_type_and_frames_only():
    try:
        raise away()
    except OperationalError as error:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, (type(error), error, error.__traceback__))

    line = JsonFormatter().format(record)

    assert "Ann" not in line
    assert json.loads(line)["exception"] == "OperationalError"


@pytest.mark.django_db
def test_health_of_the_process_and_of_the_stores():
    assert Client().get("/healthz").json() == {"status": "ok"}
    ready = Client().get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["stores"] == {"postgresql": "ok", "redis": "ok", "mongodb": "ok"}


@pytest.mark.django_db
def test_clinic_is_ready_without_mongodb(mongodb_down):
    ready = Client().get("/readyz")

    assert ready.status_code == 200
    assert ready.json()["stores"]["mongodb"] == "down"


@pytest.mark.django_db
def test_request_id_is_echoed_when_it_is_one():
    assert Client().get("/healthz", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    assert Client().get("/healthz", headers={"X-Request-ID": "a b\n"})["X-Request-ID"] != "a b\n"


@pytest.mark.django_db
def test_pages_carry_a_strict_content_policy():
    policy = Client().get("/accounts/login/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
