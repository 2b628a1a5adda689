"""An import from start to end: read all files, then places and people, then patient by patient.

A patient with all that is theirs is one transaction; within it, what one resource breaks is undone alone.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from clinic.accounts.models import Doctor, Facility
from clinic.core.errors import DomainError
from clinic.ops.fhir_import import mapping, people, values
from clinic.ops.fhir_import.chart import Chart
from clinic.ops.fhir_import.mapping import Unusable
from clinic.ops.fhir_import.reading import Broken, Found, files_of, id_of, read_file
from clinic.ops.fhir_import.report import Report, reason_of
from clinic.ops.fhir_import.stage import Stage, Staged, kind_of

KEPT = {"Organization", "Practitioner", "PractitionerRole", "Patient", "Encounter", "Condition", "AllergyIntolerance", "Observation"}


def import_files(paths: list[Path], *, now: datetime, source: str = "", say: Callable[[str], None] = lambda line: None) -> Report:
    """Import FHIR R4 bundles and NDJSON; what is there already stays as it is.

    `source` names the system the files are from, when its ids are not unique in the world. `say` hears
    of the progress. Never raises for what a file holds: the report tells.
    """
    stage = Stage()
    try:
        run = Import(stage, now=now, source=source)
        run.read(paths)
        say(f"Read {sum(run.report.counts.values()) + run.staged} resources.")
        run.write(say)
        return run.report
    finally:
        stage.close()


class Import:
    def __init__(self, stage: Stage, *, now: datetime, source: str):
        self.stage, self.now, self.source = stage, now, source
        self.report, self.staged = Report(), 0
        self.by = people.importer()
        self._doctors: dict[str, Doctor] = {}

    # --- Reading -----------------------------------------------------------------------

    def read(self, paths: list[Path]):
        for file in files_of(paths):
            for found in [file] if isinstance(file, Broken) else read_file(file):
                if isinstance(found, Broken):
                    self.report.broke(found.place, found.reason)
                else:
                    self._keep(found)
        self.stage.settle()

    def _keep(self, found: Found):
        kind = values.words(found.resource["resourceType"])[:60]
        if kind not in KEPT:
            self.report.left(kind, "this type has no place here", found.place)
        elif not id_of(found.resource, found.full_url):
            self.report.left(kind, "it has neither an id nor a URL", found.place)
        elif self.stage.add(found):
            self.staged += 1
        else:
            self.report.there(kind)  # the same resource stands in two files

    # --- Writing -----------------------------------------------------------------------

    def write(self, say: Callable[[str], None]):
        self._places()
        self._practitioners()
        patients = self.stage.patients()
        for number, patient in enumerate(patients, start=1):
            self._patient(patient)
            if number % 100 == 0:
                say(f"{number} of {len(patients)} patients.")
        for staged in self.stage.homeless():
            self.report.left(staged.kind, "it does not say of which patient it is", staged.place)

    def source_id(self, resource_id: str) -> str:
        """The id under which a resource is known to us in all imports."""
        return (f"{self.source}/{resource_id}" if self.source else resource_id)[:200]

    def _places(self):
        for staged in self.stage.all_of("Organization"):
            self._one(staged, lambda staged=staged: people.ensure_facility(staged.body, self.source_id(staged.id), by=self.by))
        for staged in self.stage.all_of("PractitionerRole"):
            self.report.left(staged.kind, "read for where a practitioner works, and not kept", staged.place)

    def _practitioners(self):
        employers = self._employers()
        for staged in self.stage.all_of("Practitioner"):
            self._one(staged, lambda staged=staged: self._practitioner(staged, employers.get(staged.id, "")))

    def _practitioner(self, staged: Staged, employer: str) -> bool:
        person = people.practitioner_of(staged.body, self.source_id(staged.id))
        if found := people.find_doctor(person):
            self._doctors[staged.id] = found
            return False
        self._doctors[staged.id] = people.add_doctor(person, self._facility(employer), by=self.by)
        return True

    def _employers(self) -> dict[str, str]:
        """{practitioner: organization}, from their roles, or else from where most of their encounters were."""
        seen: dict[str, Counter] = {}
        for staged in self.stage.all_of("Encounter"):
            organization = self.stage.find(values.text(values.part(staged.body, "serviceProvider"), "reference"), "Organization")
            for reference in participants_of(staged.body):
                practitioner = self.stage.find(values.text(reference, "reference"), "Practitioner")
                if practitioner and organization:
                    seen.setdefault(practitioner, Counter())[organization] += 1
        employers = {practitioner: organizations.most_common(1)[0][0] for practitioner, organizations in seen.items()}
        for staged in self.stage.all_of("PractitionerRole"):
            practitioner = self.stage.find(values.text(values.part(staged.body, "practitioner"), "reference"), "Practitioner")
            organization = self.stage.find(values.text(values.part(staged.body, "organization"), "reference"), "Organization")
            employers |= {practitioner: organization} if practitioner and organization else {}
        return employers

    def _facility(self, organization: str) -> Facility | None:
        if not organization:
            return None
        return Facility.objects.filter(public_id=mapping.row_id("Organization", self.source_id(organization))).first()

    def doctor_of(self, encounter: dict) -> Doctor:
        """Who saw the patient; a stand-in for what the files do not tell."""
        reference = next(participants_of(encounter), {})
        if role := self.stage.get("PractitionerRole", self.stage.find(values.text(reference, "reference"), "PractitionerRole")):
            reference = values.part(role.body, "practitioner")
        practitioner = self.stage.find(values.text(reference, "reference"), "Practitioner")
        if practitioner in self._doctors:
            return self._doctors[practitioner]
        person = people.practitioner_named(reference, self.source_id(practitioner) if practitioner else "")
        return people.find_doctor(person) or people.add_doctor(person, None, by=self.by)

    def _patient(self, patient_id: str):
        """One transaction; what it counted is believed once it is committed."""
        report = Report()
        found = self.stage.of_patient(patient_id)
        try:
            with transaction.atomic():
                Chart(self, report, patient_id).write(found)
        except (DatabaseError, DomainError) as error:
            report = Report()
            for staged in found:
                report.left(staged.kind, f"the patient's record could not be written: {reason_of(error)}", staged.place)
        self.report.merge(report)

    def _one(self, staged: Staged, make: Callable[[], bool]):
        """Count what became of a resource that stands alone."""
        try:
            with transaction.atomic():
                made = make()
        except (Unusable, DomainError, DatabaseError) as error:
            self.report.left(staged.kind, reason_of(error), staged.place)
        else:
            (self.report.taken if made else self.report.there)(staged.kind)

    @property
    def today(self):
        return timezone.localdate(self.now)

    @property
    def region(self) -> str:
        return settings.PHONENUMBER_DEFAULT_REGION


def participants_of(encounter: dict) -> Iterator[dict]:
    """References to the practitioners of an encounter, the main one first where that is said."""
    participants = values.parts(encounter, "participant")
    main = [each for each in participants if any(code == "PPRF" for kind in values.parts(each, "type") for _, code in values.codes(kind))]
    for participant in [*main, *(each for each in participants if each not in main)]:
        reference = values.part(participant, "individual") or values.part(participant, "actor")
        if reference and kind_of(values.text(reference, "reference")) in {"", "Practitioner", "PractitionerRole"}:
            yield reference
