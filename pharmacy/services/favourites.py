"""Lines that doctors prescribe often."""

from django.db import IntegrityError, transaction

from clinic.accounts.models import Doctor
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput, NotFound
from pharmacy import locks
from pharmacy.errors import FavouriteOfOthers, MayNotShare
from pharmacy.models import Favourite
from pharmacy.permissions import MANAGE_MEDICINE, SHARE_FAVOURITE
from pharmacy.services.items import fill_in, problem_of
from pharmacy.services.prescribing import prescriber_of

_SAME = ("medicine", "dose", "route", "frequency", "duration_days", "instructions")


@atomic_with_retry
def keep_favourite(*, item: dict, by, for_everyone: bool = False) -> Favourite:
    """Keep a line, as services.items takes it, for oneself or for everyone. The same line again is the one that is there.

    Raises NotAPrescriber, MayNotShare, InvalidInput.
    """
    doctor = prescriber_of(by)
    if for_everyone:
        _check_may_share(by)
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


@atomic_with_retry
def share_favourite(*, favourite_id: int, by) -> Favourite:
    """Give one's own to everyone. Where everyone has the same line already, that one is it.

    Locks the favourite; sharing what is shared changes nothing. Raises NotAPrescriber, MayNotShare and NotFound.
    """
    doctor = prescriber_of(by)
    _check_may_share(by)
    favourite = locks.lock_favourite(favourite_id)
    if favourite is None or favourite.doctor_id not in {doctor.pk, None}:
        raise NotFound
    return favourite if favourite.is_for_everyone else _move(favourite, None, by, "shared")


@atomic_with_retry
def unshare_favourite(*, favourite_id: int, by) -> Favourite:
    """Take back for oneself what one shared. Where one has the same line already, that one is it.

    Locks the favourite; what is one's own already stays. Raises NotAPrescriber, FavouriteOfOthers and NotFound.
    """
    doctor = prescriber_of(by)
    favourite = locks.lock_favourite(favourite_id)
    if favourite is None or favourite.doctor_id not in {doctor.pk, None}:
        raise NotFound
    if favourite.added_by_id != by.pk:
        raise FavouriteOfOthers
    return _move(favourite, doctor, by, "unshared") if favourite.is_for_everyone else favourite


def _check_may_share(by) -> None:
    if not by.has_perm(SHARE_FAVOURITE):
        raise MayNotShare


def _move(favourite: Favourite, to: Doctor | None, by, what: str) -> Favourite:
    """To another owner; the constraint says whether the same line is there."""
    favourite.doctor, favourite.added_by = to, by
    kept = favourite
    try:
        with transaction.atomic():
            favourite.save(update_fields=["doctor", "added_by"])
    except IntegrityError as error:
        if constraint_of(error) != "favourite_once":
            raise
        kept = Favourite.objects.select_related("medicine").get(doctor=to, **{name: getattr(favourite, name) for name in _SAME})
        Favourite.objects.filter(pk=favourite.pk).delete()
    record(action=f"pharmacy.favourite.{what}", actor=by, subject=kept)
    return kept


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
