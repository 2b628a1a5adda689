"""The command: logins, refusals, and runs that were cut off. A small clinic, so that it is quick."""

import json

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command

from billing.models import Shift
from clinic.accounts.models import Facility, User
from clinic.accounts.tests.factories import user
from clinic.ops.seed import filling, ground, registry, visits
from clinic.ops.seed.logins import LOGIN_NAMES
from patients.models import Encounter, Patient
from pharmacy.models import Prescription
from scheduling.models import Appointment, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def people_only(monkeypatch):
    """Only the steps that make people."""
    monkeypatch.setattr(filling, "STEPS", [("staff", ground.seed_staff), ("places", ground.seed_places), ("doctors", ground.seed_doctors)])


@pytest.fixture
def one_day(monkeypatch):
    """No week to come, and of the last one a single day."""
    monkeypatch.setattr("clinic.ops.seed.plan.DAYS_BACK", 3)
    monkeypatch.setattr("clinic.ops.seed.plan._PAST_OF_OTHERS", 0)
    skipped = {"appointments of today", "appointments to come"}
    monkeypatch.setattr(filling, "STEPS", [step for step in filling.STEPS if step[0] not in skipped])


def logins_file(tmp_path, password="plum-orchard-47"):
    path = tmp_path / "logins.json"
    path.write_text(json.dumps({name: {"username": name, "password": password} for name in LOGIN_NAMES}))
    return path


def test_takes_the_logins_of_the_file_in_the_environment(people_only, monkeypatch, tmp_path):
    monkeypatch.setenv("CLINIC_LOGINS_FILE", str(logins_file(tmp_path)))

    call_command("seed", logins=tmp_path / "none.json")

    assert check_password("plum-orchard-47", User.objects.get(username="nurse").password)


def test_new_passwords_in_the_file_work_after_the_next_run(people_only, tmp_path):
    call_command("seed", logins=logins_file(tmp_path))

    call_command("seed", logins=logins_file(tmp_path, "pear-meadow-58"))

    assert check_password("pear-meadow-58", User.objects.get(username="nurse").password)


def test_prints_a_password_once_when_nobody_gave_one(people_only, monkeypatch, capsys):
    monkeypatch.delenv("CLINIC_LOGINS_FILE", raising=False)

    call_command("seed")
    first = capsys.readouterr().out
    call_command("seed")

    password = first.splitlines()[0].rpartition(" ")[2]
    assert check_password(password, User.objects.get(username="admin").password)
    assert "admin" not in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"doctor": 5}'])
def test_a_file_that_holds_no_logins_is_refused(content, monkeypatch, tmp_path):
    monkeypatch.delenv("CLINIC_LOGINS_FILE", raising=False)
    path = tmp_path / "logins.json"
    path.write_text(content)

    with pytest.raises(CommandError, match="not a file of logins"):
        call_command("seed", logins=path)
    assert not User.objects.exists()


def test_a_password_that_is_too_weak_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("CLINIC_LOGINS_FILE", raising=False)

    with pytest.raises(CommandError, match="admin"):
        call_command("seed", logins=logins_file(tmp_path, "short"))


def test_a_database_of_somebody_elses_clinic_is_left_alone():
    user(username="someone")

    with pytest.raises(CommandError, match="in use"):
        call_command("seed")
    assert (User.objects.count(), Facility.objects.count()) == (1, 0)


def test_only_scales_that_exist_can_be_asked_for():
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("seed", "--scale", "enormous")


def test_a_visit_that_was_cut_off_leaves_nothing_and_is_made_by_the_next_run(one_day, monkeypatch, tmp_path):
    monkeypatch.setenv("CLINIC_LOGINS_FILE", str(logins_file(tmp_path)))
    real, signed = visits.complete_visit, []

    def stop_at_the_second(**options):
        if signed:
            raise KeyboardInterrupt
        signed.append(options)
        return real(**options)

    with monkeypatch.context() as patch:
        patch.setattr(visits, "complete_visit", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            call_command("seed")
    half = [model.objects.count() for model in (Appointment, Token, Encounter)]
    assert half[2] == 1
    assert not Encounter.objects.filter(status="in_progress").exists()
    assert not Prescription.objects.filter(status="draft").exists()

    call_command("seed")

    after = [model.objects.count() for model in (Appointment, Token, Encounter)]
    assert all(more > less for more, less in zip(after, half, strict=True))
    assert Patient.objects.count() == registry.PATIENTS
    assert not Shift.objects.filter(closed_at=None).exists()
