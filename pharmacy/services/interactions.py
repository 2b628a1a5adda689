"""The table of interactions, replaced as a whole."""

from collections.abc import Iterable

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.models import Interaction, InteractionSubstance, Severity
from pharmacy.rules.safety import canonical


@atomic_with_retry
def load_interactions(*, substances: Iterable[tuple[str, list[str]]], pairs: Iterable[dict], by=None, dry_run: bool = False) -> bool:
    """Put this table in the place of the stored one; whether anything changed. `dry_run` only says whether it would.

    `substances` are (name, classes); `pairs` have first, second, severity, effect, source. Waits for another load.
    Raises InvalidInput that names every line that does not fit; then the stored table stays.
    """
    members = {canonical(name): sorted(set(classes)) for name, classes in substances}
    known = set(members) | {each for classes in members.values() for each in classes}
    rows, problems = _rows(pairs, known)
    if "" in members:
        problems.append("a substance has no name")
    if not rows:
        problems.append("there are no pairs")
    if problems:
        raise InvalidInput("The table was not loaded: " + "; ".join(problems) + ".", errors={"pairs": problems})
    locks.lock_interaction_table()
    if _stored() == (members, rows):
        return False
    if dry_run:
        return True
    Interaction.objects.all().delete()
    InteractionSubstance.objects.all().delete()
    InteractionSubstance.objects.bulk_create([InteractionSubstance(name=name, classes=classes) for name, classes in members.items()])
    Interaction.objects.bulk_create([Interaction(first=first, second=second, **facts) for (first, second), facts in rows.items()])
    record(action="pharmacy.interactions.loaded", actor=by, changes={"substances": len(members), "pairs": len(rows)})
    return True


def _rows(pairs: Iterable[dict], known: set[str]) -> tuple[dict[tuple[str, str], dict], list[str]]:
    """{(first, second): facts}, and what is wrong. A side that is no class is a substance by its name."""
    rows, problems = {}, []
    for number, pair in enumerate(pairs, start=2):
        sides = [side if side in known else canonical(side) for side in (pair["first"].strip(), pair["second"].strip())]
        facts = {name: pair[name].strip() for name in ("severity", "effect", "source")}
        strangers = [side for side in sides if side not in known]
        key = (min(sides), max(sides))
        if strangers:
            problems.append(f"row {number}: '{strangers[0]}' is neither a class nor a substance of the list")
        elif facts["severity"] not in Severity.values:
            problems.append(f"row {number}: the severity is {' or '.join(Severity.values)}")
        elif not facts["effect"] or not facts["source"]:
            problems.append(f"row {number}: effect and source are needed")
        elif key in rows:
            problems.append(f"row {number} is there twice")
        rows[key] = facts
    return rows, problems


def _stored() -> tuple[dict, dict]:
    names = ("severity", "effect", "source")
    pairs = {(each.first, each.second): {name: getattr(each, name) for name in names} for each in Interaction.objects.all()}
    return dict(InteractionSubstance.objects.values_list("name", "classes")), pairs
