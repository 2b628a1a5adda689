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


def _ingredients(medicine) -> set[str]:
    return {canonical(each) for each in medicine.ingredients}


def _shape(medicine) -> tuple[str, ...]:
    return tuple("".join(each.lower().split()) for each in (medicine.form, medicine.strength, medicine.unit))
