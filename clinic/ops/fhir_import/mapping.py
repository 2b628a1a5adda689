"""FHIR resources as the fields of our rows. Pure: no database, no clock."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from clinic.ops.fhir_import import values
from patients.models import AllergySeverity, Sex
from patients.models.patient import DatePrecision
from patients.rules import identity
from patients.rules.notes import is_icd10

_NAMESPACE = UUID("0f1c6c53-5a0e-4b6c-8b8e-3a5ad4c7f5a1")
_WRONG = {"entered-in-error", "refuted"}
_ICD10 = "icd-10"
# Of a patient, what has no place here. A deceased patient stays open: staff decide, with a reason.
_NO_PLACE = ("deceasedBoolean", "deceasedDateTime", "maritalStatus", "multipleBirthBoolean", "multipleBirthInteger", "photo",
             "communication", "generalPractitioner", "managingOrganization", "link", "extension")  # fmt: skip


class Unusable(Exception):
    """The resource cannot be taken; the sentence says why."""


@dataclass(frozen=True)
class PatientFacts:
    """`data` as patients' registration takes it; `left` [(field, reason)]."""

    data: dict
    left: list[tuple[str, str]]


@dataclass(frozen=True)
class VisitFacts:
    started_at: datetime
    reason: str


@dataclass(frozen=True)
class ConditionFacts:
    text: str
    code: str
    onset_on: date | None
    is_active: bool


@dataclass(frozen=True)
class AllergyFacts:
    substance: str
    reaction: str
    severity: str
    asked_at: datetime | None


def row_id(*parts: str) -> UUID:
    """The public id of what is made of a resource: the same each time that it is imported."""
    return uuid5(_NAMESPACE, "/".join(parts))


# --- Patient -------------------------------------------------------------------------------


def patient_facts(resource: dict, *, on: date, region: str) -> PatientFacts:
    """`on` is the day of registration, `region` that of phone numbers without a country code. Raises Unusable."""
    left = [(name, "has no place here") for name in _NO_PLACE if resource.get(name)]
    first, last = _name(resource)
    born, precision = _birth(resource, on)
    sex = values.text(resource, "gender")
    data = {
        "first_name": _cut(first, 80, "name", left),
        "last_name": _cut(last, 80, "name", left),
        "date_of_birth": born,
        "date_of_birth_precision": precision,
        "sex": sex if sex in Sex.values else Sex.UNKNOWN,
        "phone": _phone(resource, region, left),
        "email": _cut(_telecom(resource, "email"), 254, "telecom", left),
        "address": _address(resource, left),
        "national_id": _cut(_national_id(resource), 40, "identifier", left),
    }
    return PatientFacts(data | _emergency_contact(resource, region, left), left)


def _name(resource: dict) -> tuple[str, str]:
    """(given, family). Who has one name only has it as the family name, and a dash for the other."""
    names = values.parts(resource, "name")
    chosen = next((each for each in names if values.text(each, "use") == "official"), names[0] if names else {})
    given, family = " ".join(values.texts(chosen, "given")), values.text(chosen, "family")
    if not given and not family:
        given, _, family = values.text(chosen, "text").rpartition(" ")
    if not given and not family:
        raise Unusable("it has no name")
    return given or "-", family or "-"


def _birth(resource: dict, on: date) -> tuple[date, str]:
    known = values.partial_date(resource.get("birthDate"))
    if known is None:
        raise Unusable("it has no birth date")
    if problem := identity.birth_date_error(known[0], on=on):
        raise Unusable(problem.rstrip(".").lower())
    return known[0], DatePrecision(known[1])


def _telecom(resource: dict, system: str) -> str:
    return next(
        (
            said
            for each in values.parts(resource, "telecom")
            if values.text(each, "system") == system and (said := values.text(each, "value"))
        ),
        "",
    )


def _phone(resource: dict, region: str, left: list) -> str:
    said = _telecom(resource, "phone")
    number = identity.e164_of(said, region=region) if said else ""
    if number is None:
        left.append(("telecom", "a phone number that nobody can dial"))
    return number or ""


def _address(resource: dict, left: list) -> str:
    address = next(iter(values.parts(resource, "address")), {})
    place = " ".join(filter(None, (values.text(address, name) for name in ("city", "state", "postalCode"))))
    lines = [*values.texts(address, "line"), place, values.text(address, "country")]
    return _cut("\n".join(filter(None, lines)) or values.text(address, "text"), 500, "address", left)


def _national_id(resource: dict) -> str:
    """The social security number, or what else a state gives."""
    for identifier in values.parts(resource, "identifier"):
        kinds = {code for _, code in values.codes(values.part(identifier, "type"))}
        if kinds & {"SS", "NI", "NNxxx"} or values.text(identifier, "system").endswith("us-ssn"):
            return values.text(identifier, "value")
    return ""


def _emergency_contact(resource: dict, region: str, left: list) -> dict:
    contact = next(iter(values.parts(resource, "contact")), None)
    if contact is None:
        return {}
    name = values.part(contact, "name")
    spelled = " ".join([*values.texts(name, "given"), values.text(name, "family")]).strip() or values.text(name, "text")
    relation = next((said for each in values.parts(contact, "relationship") if (said := values.concept_words(each))), "")
    return {
        "emergency_contact_name": _cut(spelled, 120, "contact", left),
        "emergency_contact_phone": _phone(contact, region, left),
        "emergency_contact_relation": _cut(relation, 40, "contact", left),
    }


# --- The record ----------------------------------------------------------------------------


def visit_facts(resource: dict, *, now: datetime) -> VisitFacts:
    """Of a finished encounter. Raises Unusable."""
    status = values.text(resource, "status")
    if status not in {"finished", "completed"}:  # R5 says completed
        raise Unusable(f"it is not finished but {status or 'without a status'}")
    started_at = values.instant(values.part(resource, "period").get("start"))
    if started_at is None:
        raise Unusable("it has no start time")
    if started_at > now:
        raise Unusable("it starts in the future")
    reasons = [said for each in values.parts(resource, "reasonCode") if (said := values.concept_words(each))]
    kinds = [said for each in values.parts(resource, "type") if (said := values.concept_words(each))]
    return VisitFacts(started_at, _cut("; ".join(reasons) or next(iter(kinds), ""), 300))


def condition_facts(resource: dict) -> ConditionFacts:
    """Raises Unusable."""
    _check_meant(resource)
    code = values.part(resource, "code")
    text = values.concept_words(code)
    if not text:
        raise Unusable("it does not say what it is")
    found = (each.upper() for system, each in values.codes(code) if _ICD10 in system.lower() and is_icd10(each.upper()))
    onset = values.partial_date(resource.get("onsetDateTime") or values.part(resource, "onsetPeriod").get("start"))
    is_active = values.status_code(resource, "clinicalStatus") in {"active", "recurrence", "relapse"}
    return ConditionFacts(text, next(found, ""), onset[0] if onset else None, is_active)


def allergy_facts(resource: dict) -> AllergyFacts:
    """Raises Unusable."""
    _check_meant(resource)
    if values.status_code(resource, "clinicalStatus") in {"inactive", "resolved"}:
        raise Unusable("it is not active any more")
    substance = values.concept_words(values.part(resource, "code"))
    if not substance:
        raise Unusable("it does not say to what")
    if substance.lower().startswith("no known"):
        raise Unusable("it says that there is none")
    reactions = values.parts(resource, "reaction")
    manifestations = [said for each in reactions for shown in values.parts(each, "manifestation") if (said := values.concept_words(shown))]
    severities = [said for each in reactions if (said := values.text(each, "severity")) in AllergySeverity.values]
    worst = max(severities, key=AllergySeverity.values.index, default="")
    return AllergyFacts(_cut(substance, 120), _cut(", ".join(manifestations), 200), worst, values.instant(resource.get("recordedDate")))


def measured_at(observation: dict) -> datetime | None:
    period = values.part(observation, "effectivePeriod")
    return values.instant(observation.get("effectiveDateTime") or period.get("start") or observation.get("issued"))


def check_observed(observation: dict):
    """Raises Unusable for what was only planned, or taken back."""
    status = values.text(observation, "status")
    if status and status not in {"final", "amended", "corrected", "preliminary"}:
        raise Unusable(f"it is {status}")


def _check_meant(resource: dict):
    status = values.status_code(resource, "verificationStatus")
    if status in _WRONG:
        raise Unusable(f"it is {status}")


def _cut(text: str, length: int, name: str = "", left: list | None = None) -> str:
    """At most `length` characters, the last of them an ellipsis when there were more."""
    if len(text) <= length:
        return text
    if left is not None:
        left.append((name, f"longer than {length} characters, cut"))
    return text[: length - 1] + "…"
