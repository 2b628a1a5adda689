"""Which medicines may be given for one."""

from dataclasses import dataclass
from datetime import date

from pharmacy.models import Equivalent, Medicine
from pharmacy.rules.substitution import is_substitute


@dataclass
class Stand:
    """One that may stand for a medicine: what is on hand of it, and the decision, if it needed one."""

    medicine: Medicine  # with on_hand
    pair: Equivalent | None = None


def stands_for(medicine: Medicine, *, on: date) -> list[Stand]:
    """The same ones and those approved; what is in stock first. Two queries."""
    pairs = {pair.other(medicine).pk: pair for pair in Equivalent.objects.in_force().of(medicine)}
    others = Medicine.objects.active().with_on_hand(on).exclude(pk=medicine.pk).order_by("name", "id")
    found = [Stand(other, pairs.get(other.pk)) for other in others if other.pk in pairs or is_substitute(medicine, other)]
    return sorted(found, key=lambda stand: not stand.medicine.on_hand)
