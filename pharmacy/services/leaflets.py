"""What patients are told about medicines."""

from collections.abc import Iterable
from datetime import date

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.models import Medicine, MedicineLeaflet
from pharmacy.models.leaflet import SECTIONS

LONGEST = 2000  # characters of a section: a leaflet is one page
_SOURCE = MedicineLeaflet._meta.get_field("source").max_length


@atomic_with_retry
def load_leaflets(*, leaflets: Iterable[dict], on: date, by=None, dry_run: bool = False) -> int:
    """Keep each text as the newest of its medicine, unless it is that already; how many are new. `dry_run` only counts them.

    A leaflet has name and form of its medicine, the SECTIONS, source, and reviewed_on (YYYY-MM-DD, not after `on`).
    Medicines that are not named keep theirs. Locks the medicines by key.
    Raises InvalidInput that names every row that does not fit, counted as in a file with a heading; then nothing is kept.
    """
    texts, problems = _texts(leaflets, on)
    if not texts and not problems:
        problems = ["there are no leaflets"]
    if problems:
        raise InvalidInput("The leaflets were not loaded: " + "; ".join(problems) + ".", errors={"leaflets": problems})
    locks.lock_medicines(texts)
    newest = {each.medicine_id: each for each in MedicineLeaflet.objects.current().filter(medicine__in=texts)}
    rows = [
        MedicineLeaflet(medicine_id=medicine_id, number=newest[medicine_id].number + 1 if medicine_id in newest else 1, **text)
        for medicine_id, text in sorted(texts.items())
        if medicine_id not in newest or any(getattr(newest[medicine_id], name) != words for name, words in text.items())
    ]
    if rows and not dry_run:
        MedicineLeaflet.objects.bulk_create(rows)
        record(action="pharmacy.leaflets.loaded", actor=by, changes={"leaflets": [str(row.public_id) for row in rows]})
    return len(rows)


def _texts(leaflets: Iterable[dict], on: date) -> tuple[dict[int, dict], list[str]]:
    """{medicine pk: its text}, and what is wrong."""
    medicines = {_key(name, form): pk for pk, name, form in Medicine.objects.order_by("id").values_list("pk", "name", "form")}
    texts, problems = {}, []
    for number, leaflet in enumerate(leaflets, start=2):
        words = {name: leaflet[name].strip() for name in (*SECTIONS, "source")}
        reviewed_on = _day(leaflet["reviewed_on"].strip())
        medicine_id = medicines.get(_key(leaflet["name"], leaflet["form"]))
        if medicine_id is None:
            problems.append(f"row {number}: no medicine here is called '{leaflet['name'].strip()}' and is a {leaflet['form'].strip()}")
        elif medicine_id in texts:
            problems.append(f"row {number}: its medicine is there twice")
        elif problem := _problem_of(words, reviewed_on, on):
            problems.append(f"row {number}: {problem}")
        texts[medicine_id] = words | {"reviewed_on": reviewed_on}
    return texts, problems


def _problem_of(words: dict[str, str], reviewed_on: date | None, on: date) -> str:
    for name, text in words.items():
        longest = _SOURCE if name == "source" else LONGEST
        if not text or "\0" in text or len(text) > longest:
            return f"{name} has 1 to {longest:,} characters"
    if reviewed_on is None or reviewed_on > on:
        return "reviewed_on is a day up to today, as 2026-01-31"
    return ""


def _key(name: str, form: str) -> tuple[str, str]:
    return name.strip().lower(), form.strip().lower()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
