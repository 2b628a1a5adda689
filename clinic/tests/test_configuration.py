"""`.env.example`, docker-compose.yml and the settings know the same names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (ROOT / "clinic/settings.py").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
LISTED = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
READ = set(re.findall(r'\benv\.\w+\(\s*(?:default=)?"([A-Z0-9_]+)"', SETTINGS))
READ |= set(re.findall(r'"(DATABASE_\w+)"', SETTINGS))  # which of two addresses is read stands in an expression
# Not a person's to set: wsgi.py does, and the tests do.
INNER = {"DATABASE_POOL", "TEST_DATABASE_NAME"}
# What compose leaves as production has it.
LEFT = {
    "BROKER_TIMEOUT_S",
    "DATABASE_AS_OWNER",
    "DATABASE_POOL_SIZE",
    "DATABASE_URL",  # of migrate only
    "DEBUG",
    "DEMO",
    "MONGODB_DATABASE",
    "REDIS_KEY_PREFIX",
    "SECURE_COOKIES",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "STATIC_ROOT",  # of the image
}
REQUIRED = {
    "CLINIC_HOST": "clinic.example",
    "SECRET_KEY": "s" * 50,
    "AUDIT_KEY": "a" * 50,
    "CLINIC_APP_PASSWORD": "p",
    "REDIS_PASSWORD": "p",
}
REQUIRED |= {"MONGODB_PASSWORD": "p", "CLINIC_DB_PASSWORD": "p", "POSTGRES_PASSWORD": "p", "MONGODB_KEY": "k"}


def services() -> dict:
    return yaml.safe_load(COMPOSE)["services"]


def application() -> dict[str, dict]:
    return {name: each for name, each in services().items() if each.get("image") == "clinic"}


def filled(text: str) -> str:
    """As compose fills it in from an .env with what is required and nothing else."""

    def value(match):
        name, _, default = match[1].partition(":")
        return REQUIRED.get(name) or (default[1:] if default.startswith("-") else "")

    return re.sub(r"\$\{([^}]+)\}", value, text)


def test_every_name_that_is_read_is_in_the_example():
    assert READ - INNER <= LISTED


def test_every_name_of_the_example_is_read_somewhere():
    filled_in = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))

    assert filled_in <= LISTED <= READ | filled_in


@pytest.mark.parametrize("service", sorted(application()))
def test_compose_gives_the_application_every_setting(service):
    given = set(application()[service]["environment"])

    assert given - {"DATABASE_URL"} == READ - INNER - LEFT
    assert ("DATABASE_URL" in given) is (service == "migrate")


def test_settings_are_whole_with_what_compose_gives_by_default():
    """What is not filled in arrives empty, which must mean the same as not set."""
    given = {name: filled(str(value)) for name, value in application()["web"]["environment"].items()}
    ask = "from django.conf import settings as s; print(len(s.CASH_DENOMINATIONS), s.AUDIT_ANCHOR_FILE, list(s.DATABASES), s.CLINIC_LOGO)"
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "clinic.settings"} | given

    done = subprocess.run([sys.executable, "-c", ask], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout == "10 /var/lib/clinic/audit-anchors ['default'] None\n"


def test_only_the_proxy_and_the_tools_are_reached_from_outside():
    open_to = {name: each["ports"] for name, each in services().items() if "ports" in each}

    assert open_to.pop("proxy") == ["80:80", "443:443", "443:443/udp"]
    assert all(services()[name]["profiles"] == ["tools"] for name in open_to)
    assert all(port.startswith("127.0.0.1:") for ports in open_to.values() for port in ports)
    assert set(open_to) == {"pgadmin", "mongo-express"}


def test_every_service_that_stays_has_a_health_check():
    unchecked = {name for name, each in services().items() if "healthcheck" not in each and "profiles" not in each}

    assert unchecked == {"migrate", "beat"}  # the one ends, the other answers nobody
