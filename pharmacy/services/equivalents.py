"""Which medicines may stand for each other beyond those that are the same."""

from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, NotFound
from pharmacy import locks
from pharmacy.models import Equivalent, Medicine
from pharmacy.rules.substitution import is_substitute, why_never


@atomic_with_retry
def approve_equivalent(*, medicine: Medicine, other: Medicine, reason: str, by) -> Equivalent:
    """Decide that one may be given for the other, unit for unit. A pair that is approved already stays as it is.

    Locks both medicines by key. Raises InvalidInput.
    """
    reason = reason.strip()
    if not reason or len(reason) > 200 or "\0" in reason:
        raise InvalidInput(errors={"reason": ["Say why, in at most 200 characters."]})
    first, second = sorted((medicine.pk, other.pk))
    locks.lock_medicines([first, second])
    for each in (medicine, other):
        each.refresh_from_db()
    if problem := _problem_of(medicine, other):
        raise InvalidInput(errors={"other": [problem]})
    if earlier := Equivalent.objects.in_force().filter(first=first, second=second).first():
        return earlier
    pair = Equivalent.objects.create(first_id=first, second_id=second, reason=reason, approved_by=by)
    _record("approved", pair, by)
    return pair


@atomic_with_retry
def withdraw_equivalent(*, pair_id: int, by) -> Equivalent:
    """From now on the one is not given for the other; what was given stays. Locks the pair. Raises NotFound."""
    pair = locks.lock_equivalent(pair_id)
    if pair is None:
        raise NotFound
    if pair.withdrawn_at is None:
        pair.withdrawn_by, pair.withdrawn_at = by, timezone.now()
        pair.save(update_fields=["withdrawn_by", "withdrawn_at"])
        _record("withdrawn", pair, by)
    return pair


def _problem_of(medicine: Medicine, other: Medicine) -> str:
    if medicine.pk == other.pk:
        return "Choose another medicine."
    if not (medicine.is_active and other.is_active):
        return "One of them is no longer used here."
    if is_substitute(medicine, other):
        return "They are the same already: nothing is to be decided."
    return why_never(medicine, other)


def _record(what: str, pair: Equivalent, by) -> None:
    medicines = Medicine.objects.filter(pk__in=[pair.first_id, pair.second_id]).order_by("pk").values_list("public_id", flat=True)
    record(action=f"pharmacy.equivalent.{what}", actor=by, subject=pair, changes={"medicines": [str(each) for each in medicines]})
