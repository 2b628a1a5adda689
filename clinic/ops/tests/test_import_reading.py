"""Reading files and keeping resources until all of them are there; no clinic database."""

import json

import pytest

from clinic.ops.fhir_import.reading import Broken, Found, files_of, read_file
from clinic.ops.fhir_import.stage import Stage


def read(tmp_path, content, name="file.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_file(path))


def bundle(*entries):
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": list(entries)})


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.close()


def test_gives_each_entry_of_a_bundle_with_its_place(tmp_path):
    found = read(
        tmp_path, bundle({"resource": {"resourceType": "Patient", "id": "1"}}, {"resource": {"resourceType": "Patient", "id": "2"}})
    )

    assert [(each.resource["id"], each.place) for each in found] == [("1", "file.json, entry 0"), ("2", "file.json, entry 1")]


def test_a_line_that_is_broken_costs_that_line_only(tmp_path):
    lines = '{"resourceType": "Patient", "id": "1"}\n{"resourceType": \n\n{"resourceType": "Patient", "id": "2"}\n'

    first, broken, second = read(tmp_path, lines, "file.ndjson")

    assert (first.place, second.place) == ("file.ndjson, line 1", "file.ndjson, line 4")
    assert broken == Broken("file.ndjson, line 2", "not JSON: Expecting value")


def test_an_entry_without_a_resource_costs_that_entry_only(tmp_path):
    broken, found = read(tmp_path, bundle({"response": {"status": "200"}}, {"resource": {"resourceType": "Patient", "id": "2"}}))

    assert broken == Broken("file.json, entry 0", "the entry has no resource with a resourceType")
    assert found.resource["id"] == "2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "no FHIR resource: it has no resourceType"),
        ('{"resourceType": 5}', "no FHIR resource: it has no resourceType"),
        ('{"resourceType": "Bundle", "entry": {}}', "the bundle's entry is not a list"),
        ('{"resourceType": "Observation", "value": NaN}', "not JSON: NaN is no number"),
        ("[" * 100_000, "not JSON: nested too deeply"),
        (b'{"resourceType": "Patient", "id": "\xff"}', "not JSON: not UTF-8"),
    ],
)
def test_a_file_that_is_no_fhir_says_why(tmp_path, content, reason):
    (broken,) = read(tmp_path, content)

    assert isinstance(broken, Broken)
    assert broken.reason == reason


def test_takes_one_resource_a_line_under_any_suffix(tmp_path):
    found = read(tmp_path, '{"resourceType": "Patient", "id": "1"}\n{"resourceType": "Patient", "id": "2"}\n')

    assert [each.resource["id"] for each in found] == ["1", "2"]


def test_takes_a_file_that_begins_with_a_byte_order_mark(tmp_path):
    (found,) = read(tmp_path, b'\xef\xbb\xbf{"resourceType": "Patient", "id": "1"}')

    assert found.resource["id"] == "1"


def test_a_folder_is_read_in_the_order_of_names_and_a_missing_one_is_told(tmp_path):
    for name in ("b.json", "a.ndjson", "notes.txt"):
        (tmp_path / name).write_text("{}")

    found = list(files_of([tmp_path, tmp_path / "none"]))

    assert [path.name for path in found[:2]] == ["a.ndjson", "b.json"]
    assert found[2:] == [Broken(str(tmp_path / "none"), "there is no such file")]


def test_follows_references_by_the_urls_of_the_bundle_around(tmp_path, stage):
    patient = {"fullUrl": "urn:uuid:u1", "resource": {"resourceType": "Patient", "id": "p1"}}
    visit = {"fullUrl": "urn:uuid:u2", "resource": {"resourceType": "Encounter", "id": "e1", "subject": {"reference": "urn:uuid:u1"}}}
    for found in read(tmp_path, bundle(visit, patient)):
        stage.add(found)

    assert [each.patient for each in stage.all_of("Encounter")] == ["p1"]


@pytest.mark.parametrize(
    "reference", ["Patient/p1", "https://server.example/fhir/Patient/p1", "Patient/p1/_history/3", "urn:uuid:p1", "Patient?identifier=s|v"]
)
def test_follows_references_of_every_form(stage, reference):
    stage.add(Found({"resourceType": "Encounter", "id": "e1", "subject": {"reference": reference}}, ""))
    stage.add(Found({"resourceType": "Patient", "id": "p1", "identifier": [{"system": "s", "value": "v"}]}, ""))
    stage.settle()

    assert stage.patients() == ["p1"]
    assert [each.kind for each in stage.of_patient("p1")] == ["Encounter", "Patient"]


def test_what_names_no_patient_has_no_home(stage):
    stage.add(Found({"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Group/g1"}}, ""))
    stage.add(Found({"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient?identifier=s|unknown"}}, ""))
    stage.settle()

    assert [each.id for each in stage.homeless()] == ["e1", "o1"]


def test_keeps_the_first_of_two_resources_with_one_id(stage):
    assert stage.add(Found({"resourceType": "Patient", "id": "p1", "gender": "male"}, ""))
    assert not stage.add(Found({"resourceType": "Patient", "id": "p1", "gender": "other"}, ""))

    assert [each.body["gender"] for each in stage.all_of("Patient")] == ["male"]


def test_takes_the_id_from_the_url_when_the_server_was_to_give_it(stage):
    stage.add(Found({"resourceType": "Patient"}, "", full_url="urn:uuid:p1"))

    assert stage.patients() == ["p1"]
