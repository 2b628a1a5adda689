"""The Observations of one visit as sets of vital signs: what was measured at one moment stands together."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from clinic.ops.fhir_import import mapping, vitals
from clinic.ops.fhir_import.mapping import Unusable
from clinic.ops.fhir_import.stage import Staged
from patients.rules.vitals import check_vitals


@dataclass
class Set:
    """`sources` are the Observations whose values it holds."""

    at: datetime
    values: dict[str, Decimal] = field(default_factory=dict)
    sources: list[Staged] = field(default_factory=list)


@dataclass
class Sorted:
    """`left` [(observation, why)]; `partly` [why] of observations that are in a set with their other values."""

    sets: list[Set] = field(default_factory=list)
    left: list[tuple[Staged, str]] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)


def sort_observations(observations: list[Staged], *, started_at: datetime, now: datetime) -> Sorted:
    """Two values of one kind at one moment make two sets. Without a time of its own one is of the visit's start."""
    result = Sorted()
    for staged in observations:
        try:
            at, values, problems = _read(staged.body, started_at, now)
        except Unusable as error:
            result.left.append((staged, str(error)))
            continue
        place = next((each for each in result.sets if each.at == at and _fits(each, values)), None)
        if place is None:
            place = Set(at)
            result.sets.append(place)
        place.values |= values
        place.sources.append(staged)
        result.partly += problems
    return result


def _read(observation: dict, started_at: datetime, now: datetime) -> tuple[datetime, dict, list[str]]:
    """(moment, values, why others were not taken). Raises Unusable when none was."""
    if not vitals.is_vital_sign(observation):
        raise Unusable("it is no vital sign that is kept here")
    mapping.check_observed(observation)
    at = mapping.measured_at(observation) or started_at
    if at > now:
        raise Unusable("it was measured in the future")
    reading = vitals.read_observation(observation)
    values, problems = _plausible(reading.values)
    problems = reading.problems + problems
    if not values:
        raise Unusable(problems[0])
    return at, values, problems


def _plausible(found: dict[str, Decimal]) -> tuple[dict, list[str]]:
    """The values within their ranges, and what is wrong with the others."""
    values, problems = {}, []
    for name, value in found.items():
        given, errors = check_vitals({name: value})
        if errors:
            problems.append(f"{name} is out of range: {errors[name][0].rstrip('.').lower()}")
        else:
            values |= given
    if len(values) > 1 and (errors := check_vitals(values)[1]):
        return {}, [next(iter(errors.values()))[0].rstrip(".").lower()]
    return values, problems


def _fits(place: Set, values: dict) -> bool:
    """Whether the values can join: nothing is there twice, and the pressures are in their order."""
    if place.values.keys() & values.keys():
        return False
    return not check_vitals(place.values | values)[1]
