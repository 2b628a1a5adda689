"""Lines that doctors prescribe often."""

from django.db import transaction

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from pharmacy.errors import FavouriteOfOthers
from pharmacy.models import Favourite
from pharmacy.permissions import MANAGE_MEDICINE
from pharmacy.services.items import fill_in, problem_of
from pharmacy.services.prescribing import prescriber_of

_SAME = ("medicine", "dose", "route", "frequency", "duration_days", "instructions")


@atomic_with_retry
def keep_favourite(*, item: dict, by, for_everyone: bool = False) -> Favourite:
    """Keep a line, as services.items takes it, for oneself or for everyone. The same line again is the one that is there.

    Raises NotAPrescriber, InvalidInput.
    """
    doctor = prescriber_of(by)
    row = fill_in(Favourite(doctor=None if for_everyone else doctor, medicine=item["medicine"], added_by=by), item)
    problem = problem_of(row) if row.medicine.is_active else f"{row.medicine.name} is no longer used here."
    if problem:
        raise InvalidInput(f"{problem[0].upper()}{problem[1:]}", errors={"item": [problem]})
    same = {name: getattr(row, name) for name in _SAME}
    values = {name: getattr(row, name) for name in ("quantity", "repeats", "max_doses_a_day", "added_by")}
    favourite, is_new = Favourite.objects.get_or_create(doctor=row.doctor, **same, defaults=values)
    if is_new:
        record(action="pharmacy.favourite.kept", actor=by, subject=favourite, changes={"for_everyone": for_everyone})
    return favourite


@transaction.atomic
def drop_favourite(*, favourite: Favourite, by) -> None:
    """Remove one's own, or one for everyone as who shared it or as who manages the medicines. Raises FavouriteOfOthers."""
    doctor = prescriber_of(by)
    is_own = favourite.doctor_id == doctor.pk or favourite.added_by_id == by.pk
    if not is_own and not by.has_perm(MANAGE_MEDICINE):
        raise FavouriteOfOthers
    deleted, _ = Favourite.objects.filter(pk=favourite.pk).delete()
    if deleted:
        record(action="pharmacy.favourite.dropped", actor=by, subject=favourite)
