"""The second person at a controlled medicine."""

from clinic.accounts.errors import InvalidCredentials
from clinic.accounts.models import User
from clinic.accounts.services.sign_in import sign_in
from pharmacy.errors import WitnessRefused, WitnessRequired
from pharmacy.models import Medicine
from pharmacy.permissions import WITNESS


def confirm_witness(*, username: str, password: str, origin: str, by: User) -> User:
    """The witness, who has just typed the own password. Guesses are counted as those at the sign-in page.

    Call it before the transaction that the witness is for: a wrong password is written down although nothing else is.
    Raises WitnessRefused, TooManyAttempts.
    """
    try:
        witness = sign_in(identifier=username, password=password, origin=origin)
    except InvalidCredentials as error:
        raise WitnessRefused from error
    check_witness(witness, by=by)
    return witness


def check_witness(witness: User, *, by: User) -> None:
    if witness == by:
        raise WitnessRefused("The witness is a second person, not the one who hands out.")
    if not (witness.is_active and witness.has_perm(WITNESS)):
        raise WitnessRefused("This person may not be a witness.")


def needed_witness(medicines: list[Medicine], witness: User | None, *, by: User) -> User | None:
    """The witness to write down: of controlled medicines the one who is there, of others none.

    Raises WitnessRequired and WitnessRefused.
    """
    controlled = sorted({medicine.name for medicine in medicines if medicine.is_controlled})
    if not controlled:
        return None
    if witness is None:
        raise WitnessRequired(f"{', '.join(controlled)}: a second person has to confirm with the own password.", medicines=controlled)
    check_witness(witness, by=by)
    return witness
