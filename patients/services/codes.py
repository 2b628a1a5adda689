"""The catalogue of diagnoses."""

from collections.abc import Iterable

from django.db import transaction

from patients.models import Icd10Code
from patients.rules.identity import plain_words
from patients.rules.notes import is_icd10
from patients.rules.search import folded

BATCH = 2_000


@transaction.atomic
def load_codes(*, titles: Iterable[tuple[str, str]], synonyms: Iterable[tuple[str, str]]) -> int:
    """Make the catalogue equal to (code, title) and (common words, code); the number of codes. Again changes nothing."""
    words: dict[str, list[str]] = {}
    for common, code in synonyms:
        words.setdefault(code, []).append(common)
    rows = [
        Icd10Code(code=code, title=plain_words(title), search_words=folded(" ".join([code, title, *words.get(code, [])])))
        for code, title in titles
    ]
    Icd10Code.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["code"], update_fields=["title", "search_words"]
    )
    Icd10Code.objects.exclude(code__in=[row.code for row in rows]).delete()
    return len(rows)


def code_problem(code: str) -> str:
    """Why nothing can stand under this code; "" when something can. While the catalogue is empty only its form is checked."""
    if not is_icd10(code):
        return "This does not look like an ICD-10 code, such as J06.9."
    if is_catalogue_filled() and not Icd10Code.objects.filter(code=code).exists():
        return "ICD-10 (WHO, 2019) has no such code. Search by words, or leave the code out."
    return ""


def is_catalogue_filled() -> bool:
    """Whether `manage.py load_icd10` was run."""
    return Icd10Code.objects.exists()
