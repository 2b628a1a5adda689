"""What someone typed into the search box."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from patients.rules.identity import plain_identifier, plain_words

_ISO_DATE = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_DAY_FIRST_DATE = re.compile(r"\b(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})\b")
LONGEST_QUERY = 100


@dataclass(frozen=True)
class SearchTerms:
    """What one search box asks for. Words are lower-case; digits may be of an MRN, a phone or an id."""

    words: tuple[str, ...] = ()
    digits: str = ""
    identifier: str = ""
    born_on: tuple[date, ...] = ()


def parse_search(query: str) -> SearchTerms:
    """'okafor 3/11/1984' -> words and a birth date; '+1 202 555-0143' -> digits; 'ab 12 34' -> words and an identifier."""
    rest = plain_words(query.replace("\0", "")[:LONGEST_QUERY])
    born_on = []
    for pattern, dates_of in ((_ISO_DATE, _iso_dates), (_DAY_FIRST_DATE, _day_first_dates)):
        for match in pattern.finditer(rest):
            born_on += dates_of(match)
        rest = pattern.sub(" ", rest)
    rest = plain_words(rest)
    digits = re.sub(r"\D", "", rest, flags=re.ASCII)
    if digits and re.fullmatch(r"[\d\s()+./-]+", rest, flags=re.ASCII):
        return SearchTerms(digits=digits, identifier=plain_identifier(rest), born_on=tuple(born_on))
    words = tuple(word for word in re.split(r"[^\w'’-]+", rest.lower()) if any(map(str.isalnum, word)))
    return SearchTerms(words=words, identifier=plain_identifier(rest) if digits else "", born_on=tuple(born_on))


def folded(text: str) -> str:
    """Lower case without accents, as search columns hold it: 'Ménière' -> 'meniere'."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))
    return plain_words(plain.replace("\0", ""))


def _iso_dates(match: re.Match) -> list[date]:
    return _dates(int(match[1]), int(match[2]), int(match[3]))


def _day_first_dates(match: re.Match) -> list[date]:
    """Day before month. Two digits of a year may mean either century."""
    day, month, year = int(match[1]), int(match[3]), match[4]
    years = [int(year)] if len(year) == 4 else [1900 + int(year), 2000 + int(year)]
    return [born for each in years for born in _dates(each, month, day)]


def _dates(year: int, month: int, day: int) -> list[date]:
    try:
        return [date(year, month, day)]
    except ValueError:
        return []
