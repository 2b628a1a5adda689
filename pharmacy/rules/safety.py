"""Warnings about a prescription: allergies, duplicates and interactions, by ingredient."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache

from pharmacy.rules.interactions import NO_TABLE, InteractionTable
from pharmacy.rules.substances import CLASSES, SYNONYMS


@dataclass(frozen=True)
class Drug:
    """A medicine as the checks see it."""

    name: str
    ingredients: tuple[str, ...]
    is_controlled: bool = False


@dataclass(frozen=True)
class Alert:
    """`kind` is allergy, interaction, duplicate or controlled; `needs_reason` says whether going on needs one.

    `severity` is of an interaction only: contraindicated or serious.
    """

    kind: str
    medicine: str
    text: str
    needs_reason: bool = True
    severity: str = ""


@dataclass(frozen=True)
class SafetyReport:
    """`allergies`, `duplicates` and `interactions` are checked or unknown: never 'none'.

    Allergies are unknown when nobody asked the patient, or for `unmatched`: words that name no ingredient and no class.
    Interactions are unknown when the table is empty or says nothing on `not_in_table`. Of a medicine that is
    `without_ingredients` all three are.
    """

    alerts: tuple[Alert, ...]
    allergies: str
    interactions: str = "unknown"
    not_in_table: tuple[str, ...] = ()
    duplicates: str = "unknown"
    unmatched: tuple[str, ...] = ()
    without_ingredients: tuple[str, ...] = ()

    @property
    def needs_reason(self) -> bool:
        return any(alert.needs_reason for alert in self.alerts)

    def as_json(self) -> list[dict]:
        return [asdict(alert) for alert in self.alerts]


def check_safety(
    drugs: Iterable[Drug],
    *,
    allergies: Iterable[str],
    allergies_known: bool,
    beside: Iterable[Drug] = (),
    current: Iterable[Drug] = (),
    table: InteractionTable = NO_TABLE,
    known_names: Callable[[], Iterable[str]] = tuple,
) -> SafetyReport:
    """Each drug against the substances the patient is allergic to, against the other drugs, against those `beside` them (of the
    same prescription, but not handed out now), and against those taken now.

    `known_names` gives the ingredients that the clinic knows; it is asked only for an allergy that no class explains.
    """
    drugs, beside, current, allergies = list(drugs), list(beside), list(current), list(allergies)
    alerts = []
    for at, drug in enumerate(drugs):
        others = [*beside, *drugs[:at]]
        alerts += _allergy_alerts(drug, allergies)
        alerts += _interaction_alerts(drug, others, "on this prescription", table)
        alerts += _interaction_alerts(drug, current, "taken now", table)
        alerts += _duplicate_alerts(drug, others, "on this prescription")
        alerts += _duplicate_alerts(drug, current, "taken now")
        if drug.is_controlled:
            alerts.append(Alert("controlled", drug.name, f"{drug.name} is a controlled medicine.", needs_reason=False))
    everything = [*drugs, *beside, *current]
    nameless = tuple(dict.fromkeys(drug.name for drug in everything if not any(_canonicals(drug))))
    unmatched = tuple(unrecognised(allergies, known_names))
    not_in_table = table.unknown(name for drug in everything for name in _canonicals(drug))
    asked = allergies_known or bool(allergies)
    return SafetyReport(
        tuple(alerts),
        allergies=_word(asked and not unmatched and not nameless),
        interactions=_word(drugs and table.pairs and not not_in_table and not nameless),
        not_in_table=tuple(not_in_table) if table.pairs else (),
        duplicates=_word(not nameless),
        unmatched=unmatched,
        without_ingredients=nameless,
    )


def _word(ran) -> str:
    return "checked" if ran else "unknown"


def unrecognised(allergies: Iterable[str], known_names: Callable[[], Iterable[str]]) -> list[str]:
    """Those that name no class and no ingredient: nothing can be checked against them."""
    left = outside_classes(allergies)
    names = {canonical(name) for name in known_names()} - {""} if left else set()
    return [substance for substance in left if not any(_overlap(name, canonical(substance)) for name in names)]


def outside_classes(allergies: Iterable[str]) -> list[str]:
    """Those that no class explains: only the names of ingredients can."""
    return [substance for substance in allergies if not _is_of_a_class(canonical(substance))]


def _is_of_a_class(substance: str) -> bool:
    return any(_within(word, substance) for _, names, members in _classes() for word in (*names, *members))


def _canonicals(drug: Drug) -> list[str]:
    return [canonical(ingredient) for ingredient in drug.ingredients]


def _interaction_alerts(drug: Drug, others: list[Drug], where: str, table: InteractionTable) -> list[Alert]:
    alerts = []
    for other in others:
        for pair in table.between(_canonicals(drug), _canonicals(other)):
            text = f"{drug.name} and {other.name}, {where}: {pair.effect}"
            alerts.append(Alert("interaction", drug.name, text, severity=pair.severity))
    return alerts


def _allergy_alerts(drug: Drug, allergies: list[str]) -> list[Alert]:
    alerts = []
    for substance in allergies:
        hits = [reason for ingredient in drug.ingredients if (reason := allergy_match(ingredient, substance))]
        if hits:
            alerts.append(Alert("allergy", drug.name, f"Allergy to {substance}: {drug.name} {hits[0]}."))
    return alerts


def _duplicate_alerts(drug: Drug, others: list[Drug], where: str) -> list[Alert]:
    alerts = []
    for other in others:
        theirs = _canonicals(other)
        shared = [mine for mine in drug.ingredients if any(_overlap(canonical(mine), each) for each in theirs)]
        if shared:
            names = ", ".join(sorted(shared))
            alerts.append(Alert("duplicate", drug.name, f"{drug.name} has the same ingredient ({names}) as {other.name}, {where}."))
    return alerts


def allergy_match(ingredient: str, substance: str) -> str:
    """Why a drug with the ingredient is not for someone allergic to the substance, as the end of a sentence; '' when it is."""
    mine, theirs = canonical(ingredient), canonical(substance)
    if not mine or not theirs:
        return ""
    if _overlap(mine, theirs):
        return f"contains {ingredient}"
    for title, names, members in _classes():
        if not any(_within(member, mine) for member in members):
            continue
        if any(_within(name, theirs) for name in names) or any(_within(member, theirs) for member in members):
            return f"contains {ingredient}, one of the {title}"
    return ""


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """Lower-case words without accents or marks, in the international name where a substance has several."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = " ".join(re.findall(r"[a-z0-9]+", plain))
    for first, *others in SYNONYMS:
        for other in others:
            words = re.sub(rf"\b{other}\b", first, words)
    return words


@lru_cache(maxsize=1)
def _classes() -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [
        (title, tuple(canonical(name) for name in names), tuple(canonical(member) for member in members))
        for title, (names, members) in CLASSES.items()
    ]


def _within(part: str, whole: str) -> bool:
    """Whether the words of `part` stand together in `whole`."""
    return f" {part} " in f" {whole} "


def _overlap(one: str, other: str) -> bool:
    """Whether one names the other: 'codeine' and 'codeine phosphate'."""
    return bool(one and other) and (_within(one, other) or _within(other, one))
