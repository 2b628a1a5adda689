import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user


@pytest.fixture
def desk(db):
    return user(Role.RECEPTION)
