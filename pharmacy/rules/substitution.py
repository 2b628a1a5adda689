"""Whether one medicine may be given for another."""

from pharmacy.rules.safety import canonical


def is_substitute(prescribed, other) -> bool:
    """Same ingredients, form, strength and unit, under another name: unit for unit the same. More is the doctor's to decide."""
    return (
        other.pk != prescribed.pk
        and bool(other.ingredients)
        and _ingredients(other) == _ingredients(prescribed)
        and _shape(other) == _shape(prescribed)
    )


def why_never(prescribed, other) -> str:
    """Why one of other ingredients, form or strength does not stand for the other, whoever agrees; '' when it may."""
    if other.unit != prescribed.unit:
        return f"{other.name} is counted in {other.unit}, not in {prescribed.unit}: the directions do not fit it."
    if other.is_controlled or prescribed.is_controlled:
        return "A controlled medicine stands for no other one, and no other one for it."
    return ""


def _ingredients(medicine) -> set[str]:
    return {canonical(each) for each in medicine.ingredients}


def _shape(medicine) -> tuple[str, ...]:
    return tuple("".join(each.lower().split()) for each in (medicine.form, medicine.strength, medicine.unit))
