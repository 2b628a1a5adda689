"""Finding patients by what someone typed, and finding them twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Collate, Reverse

from patients.models import NotDuplicate, Patient
from patients.models.patient import Unaccent
from patients.rules import identity
from patients.rules.search import SearchTerms, parse_search

MOST_FOUND = 50
SHORTEST_ENDING = 4  # digits of a phone number
SHORTEST_PART = 3  # letters of a word, to be looked for anywhere in a name
ALIKE = 0.3  # trigram similarity of names


def search_patients(query: str, user, *, limit: int = MOST_FOUND) -> list[Patient]:
    """Patients whom one search box asks for, the best match first, at most `limit`; see search_ids."""
    return patients_in_order(search_ids(query, user, limit=limit))


def search_ids(query: str, user, *, limit: int = MOST_FOUND) -> list[int]:
    """Primary keys of the patients whom one search box asks for, the best match first, at most `limit`.

    MRN (whole or its beginning), the end of a phone number, national id, birth date (ISO or day first),
    beginnings of names in any order, parts of names, and misspellings when nothing else is found. Of records
    that were merged the survivor's. One to four queries, each on an index.
    """
    terms = parse_search(query)
    patients = Patient.objects.visible_to(user)
    if terms.born_on:
        patients = patients.filter(date_of_birth__in=terms.born_on)
    found: dict[int, None] = {}
    for candidates in _candidates(terms, patients):
        found |= dict.fromkeys(_survivors(candidates[:limit]))
        if len(found) >= limit:
            break
    if not found and _is_long_enough(terms.words):
        found = dict.fromkeys(_survivors(_alike(" ".join(terms.words), patients, is_dated=bool(terms.born_on))[:limit]))
    return list(found)[:limit]


def patients_in_order(ids: list[int]) -> list[Patient]:
    """The patients of these primary keys, in their order."""
    found = Patient.objects.in_bulk(ids)
    return [found[pk] for pk in ids]


def _survivors(patients: QuerySet) -> Iterator[int]:
    """The key of each record, or of the one that took its place. Keys alone: of a row that is not shown nothing else is needed."""
    for pk, survivor in patients.values_list("pk", "merged_into"):
        yield survivor or pk


def _candidates(terms: SearchTerms, patients: QuerySet) -> Iterator[QuerySet]:
    """Querysets, the best matches first; the next is asked only while there is room."""
    if terms.digits:
        yield patients.filter(_has_digits(terms.digits)).order_by("mrn")
        if len(terms.digits) >= SHORTEST_ENDING:
            yield _with_phone_ending(patients, terms.digits)
    if terms.identifier:
        yield patients.filter(national_id=terms.identifier).order_by("sort_name", "id")
    if terms.words:
        yield from _by_name(terms.words, patients)
    elif terms.born_on and not terms.digits:
        yield patients.order_by("sort_name", "id")


def _has_digits(digits: str) -> Q:
    """MRNs that begin so, or whose number it is, with or without its check digit; typed with or without the dash."""
    head, tail = digits[: identity.MRN_DIGITS], digits[identity.MRN_DIGITS :]
    matches = Q(mrn__startswith=f"{head}-{tail}" if tail else head)
    if len(digits) <= identity.MRN_DIGITS:
        matches |= Q(mrn=identity.mrn_of(int(digits)))
    if 1 < len(digits) <= identity.MRN_DIGITS + 3 and (whole := identity.mrn_of(int(digits[:-1]))).endswith(f"-{digits[-1]}"):
        matches |= Q(mrn=whole)
    return matches


def _with_phone_ending(patients: QuerySet, digits: str) -> QuerySet:
    """By the last digits, which people remember; the index holds the numbers backwards."""
    ending = digits.lstrip("0") or digits  # a trunk zero is not part of the stored number
    backwards = Collate(Reverse("phone"), "C")
    return patients.exclude(phone="").alias(backwards=backwards).filter(backwards__startswith=ending[::-1]).order_by(backwards, "id")


def _by_name(words: tuple[str, ...], patients: QuerySet) -> Iterator[QuerySet]:
    typed = Unaccent(Value(" ".join(words)))
    yield patients.filter(sort_name__startswith=typed).order_by("sort_name", "id")
    given = Collate("search_name", "C")
    yield patients.alias(given=given).filter(given__startswith=typed).order_by(given, "id")
    if not _is_long_enough(words):
        return
    yield _with_ids(patients, "clinic_patients_with_parts", " ".join(words)).order_by("sort_name", "id")


def _is_long_enough(words: tuple[str, ...]) -> bool:
    """Whether the trigram index can help: without a whole trigram it would be read from end to end."""
    return any(len(word) >= SHORTEST_PART for word in words)


def _alike(typed: str, patients: QuerySet, *, is_dated: bool) -> QuerySet:
    """Names that are spelt or sound nearly as what was typed, the nearest first."""
    name = Unaccent(Value(typed))
    likeness = TrigramSimilarity("search_name", name) if " " in typed else TrigramWordSimilarity(name, "search_name")
    patients = patients.annotate(likeness=likeness).order_by("-likeness", "sort_name", "id")
    if is_dated:  # the birth date leaves so few that no index is needed
        return patients.filter(likeness__gte=ALIKE)
    return _with_ids(patients, "clinic_similar_patients", typed)


def _with_ids(patients: QuerySet, function: str, typed: str) -> QuerySet:
    """Those of `patients` whom a function of the database names (migration 0013), at most MOST_FOUND."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [typed, MOST_FOUND])
        return patients.filter(pk__in=[row[0] for row in cursor.fetchall()])


# --- Possible duplicates -----------------------------------------------------------------

VERY_ALIKE = 0.6  # with a birth date that differs in one part
MOST_DUPLICATES = 10


@dataclass(frozen=True)
class PossibleDuplicate:
    patient: Patient
    reasons: tuple[str, ...]


def possible_duplicates(data: Mapping, user, *, exclude_id: int | None = None) -> list[PossibleDuplicate]:
    """Patients who may be the person that `data` (keys as in registration) describes, the likeliest first.

    The same national id or phone; a similar name born on the same day; a very similar name with one part
    of the birth date different, or day and month swapped. One query.
    """
    name = identity.plain_words(f"{data.get('first_name', '')} {data.get('last_name', '')}").lower()
    born, national_id = data.get("date_of_birth"), identity.plain_identifier(data.get("national_id") or "")
    phone = identity.e164_of(str(data.get("phone") or ""), region=settings.PHONENUMBER_DEFAULT_REGION) or ""
    likeness = TrigramSimilarity("search_name", Unaccent(Value(name)))
    patients = Patient.objects.visible_to(user).unmerged().exclude(pk=exclude_id).annotate(likeness=likeness)
    if exclude_id:
        patients = patients.exclude(pk__in=_told_apart_from(exclude_id))
    same = Q(pk__in=[])
    if national_id:
        same |= Q(national_id=national_id)
    if phone:
        same |= Q(phone=phone)
    if born:
        same |= Q(date_of_birth=born, likeness__gte=ALIKE)
        same |= Q(date_of_birth__in=identity.birth_dates_near(born), likeness__gte=VERY_ALIKE)
    found = patients.filter(same).order_by("-likeness", "id")[: 5 * MOST_DUPLICATES]
    duplicates = [PossibleDuplicate(patient, _reasons(patient, born, phone, national_id)) for patient in found]
    duplicates.sort(key=lambda each: (-len(each.reasons), -each.patient.likeness, each.patient.pk))
    return duplicates[:MOST_DUPLICATES]


def _told_apart_from(patient_id: int) -> QuerySet:
    """Those of whom somebody said that they are not this patient."""
    pairs = NotDuplicate.objects
    return pairs.filter(first=patient_id).values_list("second").union(pairs.filter(second=patient_id).values_list("first"))


def identity_of(patient: Patient) -> dict:
    """The keys that possible_duplicates compares."""
    return {name: getattr(patient, name) for name in ("first_name", "last_name", "date_of_birth", "phone", "national_id")}


def _reasons(patient: Patient, born: date | None, phone: str, national_id: str) -> tuple[str, ...]:
    reasons = {
        "same national id": bool(national_id) and patient.national_id == national_id,
        "same birth date": patient.date_of_birth == born,
        "same phone": bool(phone) and str(patient.phone) == phone,
        "similar name": patient.likeness >= ALIKE,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)
