"""Another medicine than the one prescribed: on what ground it is given."""

from collections import Counter
from dataclasses import dataclass

from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.errors import NotASubstitute
from pharmacy.models import Medicine, PrescriptionItem, SubstitutionBasis
from pharmacy.rules.substitution import is_substitute, why_never

LONGEST = 200  # characters, of a reason and of an agreement


@dataclass(frozen=True)
class Substitution:
    """What is given for an item, why, and by whose leave."""

    medicine: Medicine
    reason: str
    basis: SubstitutionBasis
    agreement: str

    def as_columns(self) -> dict:
        return {"substitution_reason": self.reason, "substitution_basis": self.basis, "prescriber_agreement": self.agreement}


def substitutions_of(rows: dict[int, PrescriptionItem], items: list[dict]) -> dict[int, Substitution]:
    """{item pk: what is given instead}. Locks the approved pairs that it rests on. Raises NotASubstitute and InvalidInput."""
    asked = {line["item"]: line for line in items if line.get("medicine")}
    if not asked:
        return {}
    if any(count > 1 and item in asked for item, count in Counter(line["item"] for line in items).items()):
        raise InvalidInput(errors={"items": ["Name an item once when another medicine is given for it."]})
    found = {row.public_id: row for row in Medicine.objects.active().filter(public_id__in=[line["medicine"] for line in asked.values()])}
    pairs = locks.lock_equivalents({row.pk for row in found.values()} | {item.medicine_id for item in rows.values()})
    approved = {frozenset((pair.first_id, pair.second_id)) for pair in pairs}
    given = {}
    for item in rows.values():
        line = asked.get(item.public_id)
        if line is None or line["medicine"] == item.medicine.public_id:
            continue
        if (medicine := found.get(line["medicine"])) is None:
            raise InvalidInput(errors={"items": ["There is no such medicine."]})
        reason, agreement = _words_of(line, item.medicine)
        basis = _basis(item.medicine, medicine, approved, agreement)
        given[item.pk] = Substitution(medicine, reason, basis, agreement if basis is SubstitutionBasis.AGREED else "")
    return given


def _words_of(line: dict, prescribed: Medicine) -> tuple[str, str]:
    """Why, and how the doctor agreed."""
    reason, agreement = (line.get(name, "").strip() for name in ("substitution_reason", "prescriber_agreement"))
    if not reason or len(reason) > LONGEST:
        raise InvalidInput(errors={"items": [f"{prescribed.name}: say why another is given, in at most {LONGEST} characters."]})
    if len(agreement) > LONGEST:
        raise InvalidInput(errors={"items": [f"{prescribed.name}: say how the doctor agreed in at most {LONGEST} characters."]})
    return reason, agreement


def _basis(prescribed: Medicine, medicine: Medicine, approved: set[frozenset[int]], agreement: str) -> SubstitutionBasis:
    if is_substitute(prescribed, medicine):
        return SubstitutionBasis.SAME
    if problem := why_never(prescribed, medicine):
        raise NotASubstitute(f"{problem} Ask for a new prescription.")
    if frozenset((prescribed.pk, medicine.pk)) in approved:
        return SubstitutionBasis.APPROVED
    if not agreement:
        raise NotASubstitute(
            f"{medicine.name} is not the same as {prescribed.name}. Ask the doctor, and write down how the doctor agreed; "
            "or ask for a new prescription."
        )
    return SubstitutionBasis.AGREED
