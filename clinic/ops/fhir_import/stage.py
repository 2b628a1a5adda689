"""Where resources wait, on disk, until all files were read: what belongs to one patient may stand in several.

A temporary SQLite file, so that an export of any size needs little memory.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from clinic.ops.fhir_import import values
from clinic.ops.fhir_import.reading import Found, id_of

_TABLES = """
    CREATE TABLE resource (kind TEXT, id TEXT, patient TEXT, encounter TEXT, place TEXT, body TEXT, PRIMARY KEY (kind, id));
    CREATE INDEX resource_of_patient ON resource (patient);
    CREATE TABLE identifier (kind TEXT, name TEXT, id TEXT, PRIMARY KEY (kind, name));
"""
_CONDITIONAL = "?identifier="


@dataclass(frozen=True)
class Staged:
    """A resource. `patient` and `encounter` are the ids that it names, "" where it names none."""

    kind: str
    id: str
    patient: str
    encounter: str
    place: str
    body: dict


class Stage:
    def __init__(self):
        self._database = sqlite3.connect("")  # SQLite's own temporary file, gone when it is closed
        self._database.executescript(_TABLES)

    def close(self):
        self._database.close()

    def add(self, found: Found) -> bool:
        """False when a resource of this type and id is here already."""
        body = found.resource
        kind, resource_id = body["resourceType"], id_of(body, found.full_url)
        _resolve(body, found.urls)
        subject = values.part(body, "subject") or values.part(body, "patient")
        visit = values.part(body, "encounter") or values.part(body, "context")
        patient = resource_id if kind == "Patient" else self.id_of(values.text(subject, "reference"), "Patient")
        encounter = self.id_of(values.text(visit, "reference"), "Encounter")
        row = kind, resource_id, patient, encounter, found.place, json.dumps(body)
        added = self._database.execute("INSERT OR IGNORE INTO resource VALUES (?, ?, ?, ?, ?, ?)", row).rowcount == 1
        names = [(kind, name, resource_id) for name in identifiers_of(body)]
        self._database.executemany("INSERT OR IGNORE INTO identifier VALUES (?, ?, ?)", names)
        return added

    def settle(self):
        """Call it once all is here: what was named by an identifier gets its id."""
        for column, kind in (("patient", "Patient"), ("encounter", "Encounter")):
            named = self._database.execute(f"SELECT DISTINCT {column} FROM resource WHERE {column} LIKE '%{_CONDITIONAL}%'")
            for (reference,) in named.fetchall():
                self._database.execute(f"UPDATE resource SET {column} = ? WHERE {column} = ?", (self.find(reference, kind), reference))

    def id_of(self, reference: str, kind: str) -> str:
        """The id in 'Patient/1', 'https://server/Patient/1/_history/2' or 'urn:uuid:1'; "" when another type is named.

        'Patient?identifier=...' stays as it is until `find` can look it up.
        """
        if _CONDITIONAL in reference:
            return reference if reference.startswith(f"{kind}?") else ""
        last = reference.partition("/_history/")[0].removeprefix("urn:uuid:").rpartition("/")[2]
        return last if kind_of(reference) in {"", kind} else ""

    def find(self, reference: str, kind: str) -> str:
        """As id_of, with identifiers looked up; "" for one that nothing here has."""
        found = self.id_of(reference, kind)
        if _CONDITIONAL not in found:
            return found
        name = found.partition(_CONDITIONAL)[2]
        row = self._database.execute("SELECT id FROM identifier WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return row[0] if row else ""

    def get(self, kind: str, resource_id: str) -> Staged | None:
        return next(self._rows("kind = ? AND id = ?", kind, resource_id), None)

    def all_of(self, kind: str) -> Iterator[Staged]:
        yield from self._rows("kind = ? ORDER BY rowid", kind)

    def patients(self) -> list[str]:
        """Ids of patients that are here or that something here is about, in the order of the files."""
        rows = self._database.execute("SELECT patient FROM resource WHERE patient <> '' GROUP BY patient ORDER BY min(rowid)")
        return [patient for (patient,) in rows.fetchall()]

    def of_patient(self, patient: str) -> list[Staged]:
        return list(self._rows("patient = ? ORDER BY rowid", patient))

    def homeless(self) -> Iterator[Staged]:
        """What is about a patient and does not say which."""
        yield from self._rows("patient = '' AND kind IN ('Encounter', 'Condition', 'Observation', 'AllergyIntolerance') ORDER BY rowid")

    def _rows(self, condition: str, *parameters) -> Iterator[Staged]:
        rows = self._database.execute(f"SELECT kind, id, patient, encounter, place, body FROM resource WHERE {condition}", parameters)
        for *columns, body in rows:
            yield Staged(*columns, json.loads(body))


def kind_of(reference: str) -> str:
    """The type that a reference names; "" for a urn and for none."""
    path = reference.partition("?")[0].partition("/_history/")[0].split("/")
    return path[0] if "?" in reference else path[-2] if len(path) > 1 else ""


def identifiers_of(resource: dict) -> list[str]:
    """['system|value']"""
    return [f"{values.text(each, 'system')}|{values.text(each, 'value')}" for each in values.parts(resource, "identifier")]


def _resolve(body: dict, urls: dict[str, str]):
    """Put 'Patient/id' in the place of a reference to an entry of the same bundle."""
    for node in _references_of(body):
        reference = node.get("reference")
        if isinstance(reference, str):
            node["reference"] = urls.get(reference, reference)


def _references_of(body: dict) -> Iterator[dict]:
    """The references that the import follows."""
    for name in ("subject", "patient", "encounter", "context", "serviceProvider", "practitioner", "organization"):
        yield values.part(body, name)
    for participant in values.parts(body, "participant"):
        yield values.part(participant, "individual")
        yield values.part(participant, "actor")
