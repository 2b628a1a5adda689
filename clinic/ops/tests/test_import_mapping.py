"""What is read out of a resource; no database."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from clinic.ops.fhir_import import mapping, values
from clinic.ops.fhir_import.mapping import Unusable, allergy_facts, condition_facts, patient_facts, visit_facts
from clinic.ops.fhir_import.measuring import sort_observations
from clinic.ops.fhir_import.stage import Staged
from clinic.ops.fhir_import.vitals import read_observation

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOINC = "http://loinc.org"


def person(**changes):
    return {"name": [{"family": "Okafor", "given": ["Ngozi"]}], "birthDate": "1990-02-28"} | changes


def facts_of(**changes):
    return patient_facts(person(**changes), on=TODAY, region="US")


def observation(code, value, unit="", **changes):
    quantity = {"value": value, "code": unit}
    return {"status": "final", "code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity} | changes


def staged(body, resource_id="1"):
    return Staged("Observation", resource_id, "p1", "e1", "file.json, entry 3", body)


def sort(*bodies):
    return sort_observations([staged(body, str(number)) for number, body in enumerate(bodies)], started_at=NOW, now=NOW)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([{"family": "Asa127", "given": ["B1", "C2"]}], ("B1 C2", "Asa127")),
        ([{"use": "nickname", "given": ["Jo"]}, {"use": "official", "family": "Lee", "given": ["Joanna"]}], ("Joanna", "Lee")),
        ([{"text": "Maria da Silva"}], ("Maria da", "Silva")),
        ([{"family": "Suharto"}], ("-", "Suharto")),
        ({"family": "Lee", "given": ["Ana"]}, ("Ana", "Lee")),
        ([{"family": "A\0b", "given": ["C\ud800d"]}], ("Cd", "A b")),
    ],
)
def test_reads_the_official_name_or_else_the_first(names, expected):
    data = facts_of(name=names).data

    assert (data["first_name"], data["last_name"]) == expected


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("1990-02-28", (date(1990, 2, 28), "day")),
        ("1990-02", (date(1990, 2, 1), "month")),
        ("1990", (date(1990, 1, 1), "year")),
    ],
)
def test_keeps_how_exactly_a_birth_date_is_known(birth, expected):
    data = facts_of(birthDate=birth).data

    assert (data["date_of_birth"], data["date_of_birth_precision"]) == expected


@pytest.mark.parametrize(
    "changes", [{"birthDate": "2026-03-03"}, {"birthDate": "1879"}, {"birthDate": "1990-02-30"}, {"birthDate": 5}, {"name": []}]
)
def test_a_patient_without_a_name_or_a_possible_birth_date_is_left(changes):
    with pytest.raises(Unusable):
        facts_of(**changes)


def test_a_phone_number_that_nobody_can_dial_is_kept_out_and_told():
    facts = facts_of(telecom=[{"system": "phone", "value": "12"}])

    assert facts.data["phone"] == ""
    assert ("telecom", "a phone number that nobody can dial") in facts.left


def test_fields_without_a_place_are_told():
    assert ("deceasedDateTime", "has no place here") in facts_of(deceasedDateTime="2020-01-01").left


def test_what_is_too_long_is_cut_and_told():
    facts = facts_of(name=[{"family": "x" * 90, "given": ["Ana"]}])

    assert facts.data["last_name"] == "x" * 79 + "…"
    assert ("name", "longer than 80 characters, cut") in facts.left


def test_an_unknown_gender_is_unknown():
    assert facts_of(gender="divers").data["sex"] == "unknown"


def test_a_finished_encounter_keeps_its_start_and_its_reasons():
    visit = {"status": "finished", "period": {"start": "2020-05-01T10:00:00+02:00"}, "reasonCode": [{"text": "Cough"}, {"text": "Fever"}]}

    facts = visit_facts(visit, now=NOW)

    assert facts.started_at == datetime(2020, 5, 1, 8, tzinfo=UTC)
    assert facts.reason == "Cough; Fever"


@pytest.mark.parametrize(
    ("visit", "reason"),
    [
        ({"status": "in-progress"}, "not finished but in-progress"),
        ({"status": "finished"}, "no start time"),
        ({"status": "finished", "period": {"start": "soon"}}, "no start time"),
        ({"status": "finished", "period": {"start": "2026-03-03"}}, "in the future"),
    ],
)
def test_an_encounter_that_is_no_history_is_left(visit, reason):
    with pytest.raises(Unusable, match=reason):
        visit_facts(visit, now=NOW)


def test_a_condition_keeps_an_icd_code_and_no_other():
    snomed = {"system": "http://snomed.info/sct", "code": "59621000", "display": "Hypertension"}
    icd = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "i10"}

    assert condition_facts({"code": {"coding": [snomed, icd]}, "clinicalStatus": "active"}).code == "I10"
    assert condition_facts({"code": {"coding": [snomed]}}).code == ""


def test_a_condition_that_was_refuted_is_left():
    with pytest.raises(Unusable, match="refuted"):
        condition_facts({"code": {"text": "Diabetes"}, "verificationStatus": {"coding": [{"code": "refuted"}]}})


def test_an_allergy_keeps_its_worst_reaction():
    facts = allergy_facts(
        {"code": {"text": "Latex"}, "reaction": [{"severity": "severe"}, {"severity": "mild", "manifestation": [{"text": "Hives"}]}]}
    )

    assert (facts.severity, facts.reaction) == ("severe", "Hives")


def test_no_known_allergies_is_no_allergy():
    with pytest.raises(Unusable, match="there is none"):
        allergy_facts({"code": {"text": "No known allergies"}})


@pytest.mark.parametrize(
    ("code", "value", "unit", "column", "expected"),
    [
        ("8310-5", 37.04, "Cel", "temperature_c", "37.0"),
        ("8310-5", 98.6, "[degF]", "temperature_c", "37.0"),
        ("8310-5", 310.15, "K", "temperature_c", "37.0"),
        ("8867-4", 72.5, "/min", "pulse_bpm", "73"),
        ("9279-1", 14, "{breaths}/min", "respiratory_rate_bpm", "14"),
        ("2708-6", 97.4, "%", "spo2_percent", "97"),
        ("59408-5", 98, "%", "spo2_percent", "98"),
        ("29463-7", 3420, "g", "weight_kg", "3.42"),
        ("29463-7", 154, "[lb_av]", "weight_kg", "69.85"),
        ("8302-2", 1.65, "m", "height_cm", "165.0"),
        ("8302-2", 65, "[in_i]", "height_cm", "165.1"),
        ("8480-6", 16, "kPa", "systolic_mmhg", "120"),
        ("72514-3", 3.4, "{score}", "pain", "3"),
        ("72514-3", 3, "", "pain", "3"),
    ],
)
def test_a_measurement_is_converted_to_the_unit_of_its_column(code, value, unit, column, expected):
    assert read_observation(observation(code, value, unit)).values == {column: Decimal(expected)}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (observation("8310-5", 37, "furlong"), "its unit is not known: furlong"),
        (observation("8310-5", 37), "its unit is not known: none"),
        (observation("8310-5", "37", "Cel"), "it has no value"),
        (observation("8310-5", True, "Cel"), "it has no value"),
        (observation("8310-5", float("inf"), "Cel"), "its value is not plausible"),
        (observation("8867-4", 10**400, "/min"), "its value is not plausible"),
        (observation("8310-5", 37, "Cel", valueQuantity={"value": 37, "code": "Cel", "comparator": "<"}), "it is a limit, not a value"),
    ],
)
def test_a_measurement_that_cannot_be_understood_is_left(body, problem):
    reading = read_observation(body)

    assert (reading.values, reading.problems) == ({}, [problem])


@pytest.mark.parametrize("panel", ["85354-9", "55284-4"])
def test_a_blood_pressure_is_read_from_its_components(panel):
    component = [
        {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": {"value": value, "code": "mm[Hg]"}}
        for code, value in (("8480-6", 121.6), ("8462-4", 80))
    ]

    reading = read_observation({"code": {"coding": [{"system": LOINC, "code": panel}]}, "component": component})

    assert reading.values == {"systolic_mmhg": 122, "diastolic_mmhg": 80}


def test_what_was_measured_at_one_moment_stands_together():
    later = "2026-03-02T11:00:00Z"

    result = sort(
        observation("8310-5", 37, "Cel"), observation("8867-4", 70, "/min"), observation("8310-5", 38, "Cel", effectiveDateTime=later)
    )

    assert [each.values for each in result.sets] == [
        {"temperature_c": Decimal("37.0"), "pulse_bpm": 70},
        {"temperature_c": Decimal("38.0")},
    ]


def test_two_values_of_one_kind_at_one_moment_make_two_sets():
    result = sort(observation("8867-4", 70, "/min"), observation("8867-4", 75, "/min"))

    assert [each.values for each in result.sets] == [{"pulse_bpm": 70}, {"pulse_bpm": 75}]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (observation("8310-5", 60, "Cel"), "temperature_c is out of range: must be between 25.0 and 45.0 °c"),
        (observation("2093-3", 180, "mg/dL"), "it is no vital sign that is kept here"),
        (observation("8867-4", 70, "/min", status="entered-in-error"), "it is entered-in-error"),
        (observation("8867-4", 70, "/min", effectiveDateTime="2026-03-03"), "it was measured in the future"),
    ],
)
def test_an_observation_that_is_no_measurement_of_ours_is_left(body, reason):
    result = sort(body)

    assert result.sets == []
    assert [said for _, said in result.left] == [reason]


def test_pressures_in_the_wrong_order_are_left_and_stay_apart():
    result = sort(observation("8480-6", 80, "mm[Hg]"), observation("8462-4", 90, "mm[Hg]"))

    assert [each.values for each in result.sets] == [{"systolic_mmhg": 80}, {"diastolic_mmhg": 90}]


@pytest.mark.parametrize("shape", [None, 5, "text", [], [None], {"coding": 5}, {"coding": [None, 5]}])
def test_a_wrong_shape_reads_as_not_said(shape):
    assert values.parts({"x": shape}, "coding") == []
    assert mapping.row_id("a") != mapping.row_id("b")
    assert values.concept_words(shape if isinstance(shape, dict) else {}) == ""
