"""The second person, on a form."""

from clinic.accounts.models import User
from clinic.accounts.origin import origin_of
from pharmacy.errors import WitnessRefused
from pharmacy.services.witnessing import confirm_witness


def posted_witness(request) -> User | None:
    """The confirmed witness of a form; None when neither field was filled in. Raises WitnessRefused, TooManyAttempts."""
    username, password = (request.POST.get(name, "") for name in ("witness_username", "witness_password"))
    if not username.strip() and not password:
        return None
    if "\0" in username + password or len(username) > 254 or len(password) > 256:
        raise WitnessRefused
    return confirm_witness(username=username, password=password, origin=origin_of(request), by=request.user)
