"""Diagnoses as someone types them."""

from collections import Counter

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
    used = _used_by(user)

    def place(row: Icd10Code):
        titled = folded(row.title)
        begins = f" {words[0]}" in f" {row.search_words}"
        return (not row.code.lower().startswith(query), -used[row.code], query not in row.search_words, not begins,
                not titled.startswith(words[0]), len(row.title), row.code)  # fmt: skip

    return sorted(found, key=place)[:MOST_FOUND]


def favourite_codes(user) -> list[Icd10Code]:
    """What this doctor diagnoses most; of a doctor who is new here, what the clinic does. 2 queries."""
    used = _used_by(user) or _used_by(None)
    most = [code for code, _ in used.most_common(MOST_FAVOURITES)]
    rows = {row.code: row for row in Icd10Code.objects.filter(code__in=most)}
    return [rows[code] for code in most if code in rows]


def _used_by(user) -> Counter:
    rows = Diagnosis.objects.exclude(code="").order_by("-id")
    return Counter((rows.filter(recorded_by=user) if user else rows).values_list("code", flat=True)[:RECENT])
