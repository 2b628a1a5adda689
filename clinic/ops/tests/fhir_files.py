"""Files of FHIR for the tests of the import, and small resources to put into more."""

import json
from datetime import UTC, datetime
from pathlib import Path

from clinic.ops.fhir_import.importing import import_files

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def load(*names, **options):
    return import_files([DATA / name for name in names], now=NOW, **options)


def load_resources(tmp_path, *resources, name="some.ndjson", **options):
    path = tmp_path / name
    path.write_text("".join(json.dumps(each) + "\n" for each in resources))
    return import_files([path], now=NOW, **options)


def patient(resource_id="p1", **changes):
    return {
        "resourceType": "Patient",
        "id": resource_id,
        "name": [{"family": "Lee", "given": ["Ana"]}],
        "birthDate": "1990-01-02",
    } | changes


def visit(resource_id="e1", subject="Patient/p1", **changes):
    body = {"resourceType": "Encounter", "id": resource_id, "status": "finished", "subject": {"reference": subject}}
    return body | {"period": {"start": "2024-01-02T10:00:00Z"}} | changes


def pulse(resource_id="o1", value=70, encounter="Encounter/e1", subject="Patient/p1"):
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    body = {"resourceType": "Observation", "id": resource_id, "status": "final", "code": code, "subject": {"reference": subject}}
    return body | {"encounter": {"reference": encounter}, "valueQuantity": {"value": value, "code": "/min"}}
