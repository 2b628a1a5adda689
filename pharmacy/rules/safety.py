"""Warnings about a prescription: allergies and duplicates, by ingredient."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache

from pharmacy.rules.substances import CLASSES, SYNONYMS

# No table of interactions is loaded: 'not checked' is what is known, and never 'none'.
INTERACTIONS = "unknown"


@dataclass(frozen=True)
class Drug:
    """A medicine as the checks see it."""

    name: str
    ingredients: tuple[str, ...]
    is_controlled: bool = False


@dataclass(frozen=True)
class Alert:
    """`kind` is allergy, duplicate or controlled; `needs_reason` says whether going on needs one."""

    kind: str
    medicine: str
    text: str
    needs_reason: bool = True


@dataclass(frozen=True)
class SafetyReport:
    """`allergies` is checked, or unknown when nobody asked the patient; `interactions` is always unknown so far."""

    alerts: tuple[Alert, ...]
    allergies: str
    interactions: str = INTERACTIONS

    @property
    def needs_reason(self) -> bool:
        return any(alert.needs_reason for alert in self.alerts)

    def as_json(self) -> list[dict]:
        return [asdict(alert) for alert in self.alerts]


def check_safety(drugs: Iterable[Drug], *, allergies: Iterable[str], allergies_known: bool, current: Iterable[Drug] = ()) -> SafetyReport:
    """Each drug against the substances the patient is allergic to, against the other drugs, and against those taken now."""
    drugs, current, allergies = list(drugs), list(current), list(allergies)
    alerts = []
    for at, drug in enumerate(drugs):
        alerts += _allergy_alerts(drug, allergies)
        alerts += _duplicate_alerts(drug, drugs[:at], "on this prescription")
        alerts += _duplicate_alerts(drug, current, "taken now")
        if drug.is_controlled:
            alerts.append(Alert("controlled", drug.name, f"{drug.name} is a controlled medicine.", needs_reason=False))
    known = allergies_known or bool(allergies)
    return SafetyReport(tuple(alerts), "checked" if known else "unknown")


def _allergy_alerts(drug: Drug, allergies: list[str]) -> list[Alert]:
    alerts = []
    for substance in allergies:
        hits = [reason for ingredient in drug.ingredients if (reason := allergy_match(ingredient, substance))]
        if hits:
            alerts.append(Alert("allergy", drug.name, f"Allergy to {substance}: {drug.name} {hits[0]}."))
    return alerts


def _duplicate_alerts(drug: Drug, others: list[Drug], where: str) -> list[Alert]:
    own = {canonical(ingredient): ingredient for ingredient in drug.ingredients}
    alerts = []
    for other in others:
        shared = own.keys() & {canonical(ingredient) for ingredient in other.ingredients}
        if shared:
            names = ", ".join(sorted(own[name] for name in shared))
            alerts.append(Alert("duplicate", drug.name, f"{drug.name} has the same ingredient ({names}) as {other.name}, {where}."))
    return alerts


def allergy_match(ingredient: str, substance: str) -> str:
    """Why a drug with the ingredient is not for someone allergic to the substance, as the end of a sentence; '' when it is."""
    mine, theirs = canonical(ingredient), canonical(substance)
    if not mine or not theirs:
        return ""
    if _within(theirs, mine) or _within(mine, theirs):
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
