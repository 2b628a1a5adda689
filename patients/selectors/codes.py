"""Diagnoses as someone types them."""

from collections import Counter

from django.db.models import QuerySet

from clinic.core.together import Reader
from patients.models import Diagnosis, Icd10Code
from patients.rules.search import LONGEST_QUERY, folded

MOST_FOUND = 12
MOST_FAVOURITES = 6
RECENT = 300  # diagnoses of a doctor that say what is used most
CANDIDATES = 200


def search_codes(query: str, user) -> list[Icd10Code]:
    """By code, words of the title or common words for it; what this doctor uses comes first, then what begins with the words."""
    query = folded(query[:LONGEST_QUERY])
    words = query.replace(",", " ").split()[:6]
    if not words:
        return []
    found = list(Icd10Code.objects.of_words(words).order_by("code")[:CANDIDATES])
    used = Counter(_recent_codes(user))

    def place(row: Icd10Code):
        titled = folded(row.title)
        begins = f" {words[0]}" in f" {row.search_words}"
        return (not row.code.lower().startswith(query), -used[row.code], query not in row.search_words, not begins,
                not titled.startswith(words[0]), len(row.title), row.code)  # fmt: skip

    return sorted(found, key=place)[:MOST_FOUND]


def favourite_codes(user) -> Reader:
    """What this doctor diagnoses most; of a doctor who is new here, what the clinic does. Two steps."""
    own, everybodys = _recent_codes(user), _recent_codes(None)
    yield [own, everybodys]
    most = [code for code, _ in Counter(own or everybodys).most_common(MOST_FAVOURITES)]
    rows = Icd10Code.objects.filter(code__in=most)
    yield [rows]
    by_code = {row.code: row for row in rows}
    return [by_code[code] for code in most if code in by_code]


def _recent_codes(user) -> QuerySet:
    rows = Diagnosis.objects.exclude(code="").order_by("-id")
    return (rows.filter(recorded_by=user) if user else rows).values_list("code", flat=True)[:RECENT]
