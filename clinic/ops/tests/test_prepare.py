"""What a start does to a database that it did not make."""

import pytest

from clinic.accounts.models import User
from clinic.ops import prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def logins(tmp_path):
    path = tmp_path / "logins.json"
    path.write_text("{}")
    return path


def test_database_with_users_of_its_own_gets_no_demo_data(tmp_path, logins, capsys):
    User.objects.create_user("somebody")
    stamp = prepare.Stamp(tmp_path / "seed.stamp")

    prepare.seed(stamp, logins)

    assert "no demo data was added" in capsys.readouterr().out
    assert User.objects.count() == 1
    assert stamp.read() == {}


def test_database_that_this_folder_filled_is_left_as_it_is(tmp_path, logins, capsys):
    stamp = prepare.Stamp(tmp_path / "seed.stamp")
    stamp.write(prepare.seed_facts(logins) | {"done": True})

    prepare.seed(stamp, logins)

    assert capsys.readouterr().out == ""
    assert not User.objects.exists()


def test_new_passwords_are_reason_enough_to_fill_again(tmp_path, logins):
    stamp = prepare.Stamp(tmp_path / "seed.stamp")
    stamp.write(prepare.seed_facts(logins) | {"done": True})

    logins.write_text('{"doctor": {}}')

    assert not prepare.is_filled(stamp, logins)


def test_up_to_date_database_is_not_migrated(capsys):
    prepare.migrate()

    assert capsys.readouterr().out == ""
