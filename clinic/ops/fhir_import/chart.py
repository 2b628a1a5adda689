"""One patient's part of an import: the person, allergies, visits, lasting problems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction

from clinic.core.errors import DomainError
from clinic.ops.fhir_import import mapping, writers
from clinic.ops.fhir_import.mapping import Unusable, row_id
from clinic.ops.fhir_import.measuring import Sorted, sort_observations
from clinic.ops.fhir_import.report import Report, reason_of
from clinic.ops.fhir_import.stage import Staged
from clinic.ops.fhir_import.writers import Measured, Visit
from patients.models import Diagnosis, Encounter, Patient, Vitals

if TYPE_CHECKING:
    from clinic.ops.fhir_import.importing import Import

_REFUSALS = (Unusable, DomainError, DatabaseError)
_SIGNED = "its visit was imported and signed before"


class Chart:
    def __init__(self, run: Import, report: Report, patient_id: str):
        self.run, self.report, self.patient_id = run, report, patient_id
        self.settled: set[tuple[str, str]] = set()  # (type, id) of what was counted with a visit

    def write(self, found: list[Staged]):
        """Everything of the patient. Each resource is counted once."""
        of_kind: dict[str, list[Staged]] = defaultdict(list)
        for staged in found:
            of_kind[staged.kind].append(staged)
        try:
            with transaction.atomic():
                patient = self._patient(of_kind["Patient"])
        except _REFUSALS as error:
            self._leave_all(found, reason_of(error))
            return
        for staged in of_kind["AllergyIntolerance"]:
            self._one(staged, lambda staged=staged: self._allergy(patient, staged))
        self._visits(patient, of_kind)
        for staged in of_kind["Condition"]:
            if (staged.kind, staged.id) not in self.settled:
                self._one(staged, lambda staged=staged: self._problem(patient, staged))
        self._observations_without_visit(patient, of_kind["Observation"])

    def _patient(self, staged: list[Staged]) -> Patient:
        source_id = self._source(self.patient_id)
        patient = writers.find_patient(source_id)
        if not staged:
            if patient is None:
                raise Unusable("it is neither in the files nor imported before")
            return patient
        facts = mapping.patient_facts(staged[0].body, on=self.run.today, region=self.run.region)
        if patient:
            writers.check_same_person(patient, facts)
            self.report.there("Patient")
            return patient
        patient = writers.add_patient(facts, source_id, on=self.run.today, by=self.run.by)
        self.report.taken("Patient")
        for name, reason in facts.left:
            self.report.left_field(f"Patient.{name}", reason)
        return patient

    def _leave_all(self, found: list[Staged], reason: str):
        for staged in found:
            self.report.left(staged.kind, reason if staged.kind == "Patient" else f"its patient: {reason}", staged.place)

    # --- Allergies and problems --------------------------------------------------------

    def _allergy(self, patient: Patient, staged: Staged) -> bool:
        return writers.add_allergy(
            patient, mapping.allergy_facts(staged.body), row_id(staged.kind, self._source(staged.id)), by=self.run.by
        )

    def _problem(self, patient: Patient, staged: Staged) -> bool:
        """A condition of no visit, or of one that is signed: there is still the problem list."""
        facts = mapping.condition_facts(staged.body)
        public_id = row_id(staged.kind, self._source(staged.id))
        if Diagnosis.objects.filter(public_id=public_id, encounter__patient=patient).exists():
            return False
        return writers.add_problem(patient, facts, public_id, by=self.run.by)

    # --- Visits ------------------------------------------------------------------------

    def _visits(self, patient: Patient, of_kind: dict[str, list[Staged]]):
        children: dict[str, dict[str, list[Staged]]] = defaultdict(lambda: {"Condition": [], "Observation": []})
        for kind in ("Condition", "Observation"):
            for staged in of_kind[kind]:
                children[staged.encounter][kind].append(staged)
        for staged in of_kind["Encounter"]:
            mine = children[staged.id]
            try:
                self._visit(patient, staged, mine["Condition"], mine["Observation"])
            except _REFUSALS as error:
                self.report.left("Encounter", reason_of(error), staged.place)
                self._leave_observations(mine["Observation"], f"its visit was left: {reason_of(error)}")

    def _visit(self, patient: Patient, staged: Staged, conditions: list[Staged], observations: list[Staged]):
        source_id = self._source(staged.id)
        facts = mapping.visit_facts(staged.body, now=self.run.now)
        measured = sort_observations(observations, started_at=facts.started_at, now=self.run.now)
        if encounter := writers.find_visit(source_id):
            self._check_of(encounter, patient)
            self.report.there("Encounter")
            self._count_measured(source_id, measured, is_new=False)
            return
        usable = list(self._diagnoses(conditions))
        with transaction.atomic():
            visit = Visit(source_id, facts, self.run.doctor_of(staged.body))
            visit.diagnoses = [(public_id, found) for public_id, found, _ in usable]
            visit.vitals = [Measured(row_id(*name), each.at, each.values) for name, each in _named(source_id, measured)]
            writers.add_visit(patient, visit, by=self.run.by)
            for public_id, found, _ in usable:
                if found.is_active:
                    writers.add_problem(patient, found, public_id, by=self.run.by)
        self.report.taken("Encounter")
        for _, _, condition in usable:
            self.report.taken("Condition")
            self.settled.add((condition.kind, condition.id))
        self._count_measured(source_id, measured, is_new=True)

    def _check_of(self, encounter: Encounter, patient: Patient):
        if encounter.patient_id != patient.pk:
            raise Unusable("another patient's visit was imported under this id; name the system it is from with --source")

    def _diagnoses(self, conditions: list[Staged]):
        """(public id, facts, resource) of those that mean something; the others are counted later."""
        for staged in conditions:
            try:
                yield row_id(staged.kind, self._source(staged.id)), mapping.condition_facts(staged.body), staged
            except Unusable:
                continue

    # --- Observations ------------------------------------------------------------------

    def _count_measured(self, source_id: str, measured: Sorted, *, is_new: bool):
        known = {row_id(*name) for name, _ in _named(source_id, measured)}
        there = known if is_new else set(Vitals.objects.filter(public_id__in=known).values_list("public_id", flat=True))
        for name, each in _named(source_id, measured):
            for staged in each.sources:
                self._count_observation(staged, is_new=is_new, is_there=row_id(*name) in there)
        for staged, reason in measured.left:
            self._left_observation(staged, reason)
        for reason in measured.partly if is_new else ():
            self.report.left_field("Observation.value", reason)

    def _count_observation(self, staged: Staged, *, is_new: bool, is_there: bool):
        self.settled.add((staged.kind, staged.id))
        if not is_there:
            self.report.left(staged.kind, _SIGNED, staged.place)
        elif is_new:
            self.report.taken(staged.kind)
        else:
            self.report.there(staged.kind)

    def _observations_without_visit(self, patient: Patient, observations: list[Staged]):
        """Of none at all, or of one that is in no file of this import."""
        of_visit: dict[str, list[Staged]] = defaultdict(list)
        for staged in observations:
            if (staged.kind, staged.id) not in self.settled:
                of_visit[staged.encounter].append(staged)
        for encounter_id, mine in of_visit.items():
            encounter = writers.find_visit(self._source(encounter_id)) if encounter_id else None
            if encounter is None or encounter.patient_id != patient.pk:
                self._leave_observations(mine, "it is of no visit that is known" if encounter_id else "it is not of a visit")
            else:
                measured = sort_observations(mine, started_at=encounter.started_at, now=self.run.now)
                self._count_measured(encounter.source_id, measured, is_new=False)

    def _leave_observations(self, observations: list[Staged], reason: str):
        for staged, problem in sort_observations(observations, started_at=self.run.now, now=self.run.now).left:
            self._left_observation(staged, problem)
        for staged in observations:
            if (staged.kind, staged.id) not in self.settled:
                self._left_observation(staged, reason)

    def _left_observation(self, staged: Staged, reason: str):
        self.settled.add((staged.kind, staged.id))
        self.report.left(staged.kind, reason, staged.place)

    # --- Counting ----------------------------------------------------------------------

    def _one(self, staged: Staged, make: Callable[[], bool]):
        try:
            with transaction.atomic():
                made = make()
        except _REFUSALS as error:
            self.report.left(staged.kind, reason_of(error), staged.place)
        else:
            (self.report.taken if made else self.report.there)(staged.kind)

    def _source(self, resource_id: str) -> str:
        return self.run.source_id(resource_id)


def _named(source_id: str, measured: Sorted):
    """Each set with the words that make its id: the same whenever the same files are read."""
    for number, each in enumerate(measured.sets):
        yield ("Vitals", source_id, each.at.isoformat(), str(number)), each
