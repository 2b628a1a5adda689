import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from scheduling.selectors import waits


@pytest.fixture
def desk(db):
    return user(Role.RECEPTION)


@pytest.fixture(autouse=True)
def _no_known_pace():
    """What one test saw of past days is nothing to the next."""
    waits.pace_of.cache_clear()
