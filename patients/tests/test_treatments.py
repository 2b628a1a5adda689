from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, NotFound, StaleVersion
from patients.errors import EncounterClosed, TreatmentTypeTaken
from patients.models import Treatment, TreatmentType
from patients.rules.notes import sha256_of
from patients.services import encounters, treatments
from patients.tests.factories import EncounterFactory, TreatmentFactory, TreatmentTypeFactory

pytestmark = pytest.mark.django_db


def refused_by(write) -> str:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    return constraint_of(refusal.value)


class TestRows:
    def test_a_name_stands_once_in_the_catalogue(self):
        TreatmentTypeFactory(name="Dressing")

        assert refused_by(lambda: TreatmentTypeFactory(name="DRESSING")) == "treatment_type_name_unique"

    def test_costs_are_not_negative(self):
        assert refused_by(lambda: TreatmentTypeFactory(base_cost=-1)) == "treatment_type_cost_not_negative"
        assert refused_by(lambda: TreatmentFactory(base_cost=-1)) == "treatment_cost_not_negative"

    def test_nothing_leaves_the_catalogue(self):
        assert refused_by(TreatmentTypeFactory().delete) == "treatment_type_kept"

    def test_treatment_of_a_signed_visit_is_frozen(self):
        signed = EncounterFactory(signed=True)

        assert refused_by(lambda: TreatmentFactory(encounter=signed)) == "treatment_frozen_when_signed"

    def test_treatment_stays_with_its_visit(self):
        treatment, other = TreatmentFactory(), EncounterFactory()

        move = Treatment.objects.filter(pk=treatment.pk)
        assert refused_by(lambda: move.update(encounter=other)) == "treatment_stays_with_its_encounter"


class TestRecording:
    def test_cost_is_that_of_the_day(self):
        kind, encounter = TreatmentTypeFactory(base_cost=10), EncounterFactory()
        treatment = treatments.record_treatment(encounter_id=encounter.pk, treatment_type=kind, notes="", by=encounter.doctor.user)

        treatments.change_treatment_type(type_id=kind.pk, changes={"base_cost": Decimal("99.00")}, by=None)

        treatment.refresh_from_db()
        assert treatment.cost == Decimal("10.00")

    def test_twice_the_same_request_records_once(self):
        kind, encounter, request_id = TreatmentTypeFactory(), EncounterFactory(), uuid4()
        wanted = {"encounter_id": encounter.pk, "treatment_type": kind, "notes": "", "by": encounter.doctor.user, "request_id": request_id}

        assert treatments.record_treatment(**wanted) == treatments.record_treatment(**wanted)
        assert Treatment.objects.count() == 1

    def test_type_out_of_use_is_refused(self):
        kind, encounter = TreatmentTypeFactory(is_active=False), EncounterFactory()

        with pytest.raises(InvalidInput):
            treatments.record_treatment(encounter_id=encounter.pk, treatment_type=kind, notes="", by=encounter.doctor.user)
        assert not Treatment.objects.exists()

    def test_closed_visit_takes_and_loses_none(self):
        treatment = TreatmentFactory()
        encounters.mark_entered_in_error(encounter_id=treatment.encounter_id, reason="wrong", by=treatment.recorded_by)

        with pytest.raises(EncounterClosed):
            treatments.remove_treatment(encounter_id=treatment.encounter_id, treatment_id=treatment.public_id, by=treatment.recorded_by)
        assert Treatment.objects.exists()

    def test_treatment_of_another_visit_is_not_found(self):
        treatment, other = TreatmentFactory(), EncounterFactory()

        with pytest.raises(NotFound):
            treatments.remove_treatment(encounter_id=other.pk, treatment_id=treatment.public_id, by=treatment.recorded_by)

    def test_signature_covers_treatments(self):
        encounter = EncounterFactory()
        without = sha256_of(encounters.content_of(encounter))

        TreatmentFactory(encounter=encounter)

        assert sha256_of(encounters.content_of(encounter)) != without
        assert "treatments" not in encounters.content_of(EncounterFactory())  # hashes from before stay true


class TestCatalogue:
    def test_name_that_is_there_is_refused(self):
        treatments.add_treatment_type(name="ECG", base_cost=Decimal(5), by=None)

        with pytest.raises(TreatmentTypeTaken):
            treatments.add_treatment_type(name=" ecg ", base_cost=Decimal(5), by=None)

    def test_edit_with_an_old_version_is_refused(self):
        kind = TreatmentTypeFactory(version=2)

        with pytest.raises(StaleVersion):
            treatments.change_treatment_type(type_id=kind.pk, changes={"name": "x"}, by=None, expected_version=1)


class TestApi:
    def test_manager_keeps_the_catalogue_and_a_doctor_uses_it(self, api_as):
        manager, doctor, encounter = api_as(user(Role.MANAGER)), api_as(user(Role.DOCTOR)), EncounterFactory()

        kind = manager.post("/api/v1/treatment-types/", {"name": "Dressing", "base_cost": "12.50"}).json()
        assert doctor.post("/api/v1/treatment-types/", {"name": "x", "base_cost": "1"}).status_code == 403
        answer = doctor.post(
            f"/api/v1/visits/{encounter.public_id}/treatments/", {"treatment_type": kind["id"], "notes": "left arm", "cost": "1.00"}
        )

        assert answer.status_code == 201
        assert (answer.json()["cost"], answer.json()["name"]) == ("12.50", "Dressing")
        [row] = doctor.get(f"/api/v1/visits/{encounter.public_id}/treatments/").json()["results"]
        assert row == answer.json()
        assert manager.patch(f"/api/v1/treatment-types/{kind['id']}/", {"is_active": False}).json()["is_active"] is False

    def test_unknown_type_is_named(self, api_as):
        encounter = EncounterFactory()

        answer = api_as(user(Role.DOCTOR)).post(f"/api/v1/visits/{encounter.public_id}/treatments/", {"treatment_type": str(uuid4())})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["treatment_type"])
        assert not Treatment.objects.exists()


class TestPage:
    def test_back_office_writes_through_the_service(self, client_as):
        manager = client_as(user(Role.MANAGER))

        manager.post("/admin/patients/treatmenttype/add/", {"name": "ECG", "base_cost": "20.00", "is_active": "on"})

        assert TreatmentType.objects.get().name == "ECG"
