import threading
from datetime import date
from uuid import uuid4

import pytest
from django.db import IntegrityError

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, RequestReused, StaleVersion
from patients import locks
from patients.errors import EmailTaken, EncounterOpen, ReasonMissing
from patients.models import MrnCounter, Patient
from patients.rules.identity import is_mrn, mrn_of
from patients.services.codes import load_codes
from patients.services.registration import deactivate_patient, reactivate_patient, register_patient, update_patient
from patients.tests.factories import AllergyFactory, EncounterFactory, PatientFactory, ProblemFactory

TODAY = date(2026, 5, 1)


@pytest.fixture
def desk(db):
    return user(Role.RECEPTION)


def register(by, **changes):
    data = {"first_name": "Ann", "last_name": "Bell", "date_of_birth": date(1984, 2, 29), "sex": "female"}
    request_id = changes.pop("request_id", None)
    return register_patient(data=data | changes, by=by, on=TODAY, request_id=request_id)


@pytest.mark.django_db
class TestRegistering:
    def test_mrns_follow_each_other(self, desk):
        first, second = register(desk), register(desk)

        assert [first.mrn, second.mrn] == [mrn_of(1), mrn_of(2)]
        assert is_mrn(first.mrn)

    def test_repeated_request_gives_the_first_patient(self, desk):
        request_id = uuid4()

        first, again = register(desk, request_id=request_id), register(desk, request_id=request_id)

        assert first == again
        with pytest.raises(RequestReused):
            register(desk, request_id=request_id, first_name="Other")
        assert Patient.objects.count() == 1
        assert MrnCounter.objects.get().last_number == 1

    def test_what_is_typed_is_stored_in_one_form(self, desk):
        patient = register(desk, first_name="  Ann  Marie ", phone="202 555 0143", national_id="ab 12", email=" a@example.org ")

        patient.refresh_from_db()
        assert patient.first_name == "Ann Marie"
        assert str(patient.phone) == "+12025550143"
        assert patient.national_id == "AB12"
        assert patient.email == "a@example.org"

    def test_nobody_asked_is_not_no_allergies(self, desk):
        assert register(desk).allergies_reviewed_at is None
        assert register(desk, allergies=[]).allergies_reviewed_at is not None

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"date_of_birth": date(2026, 5, 2)}, "date_of_birth"),
            ({"last_name": " "}, "last_name"),
            ({"emergency_contact_phone": "x"}, "emergency_contact_phone"),
            ({"problems": [{"text": "Asthma"}, {"text": " asthma"}]}, "problems"),
        ],
    )
    def test_refusal_names_the_field_and_writes_nothing(self, desk, change, field):
        with pytest.raises(InvalidInput) as refusal:
            register(desk, **change)

        assert list(refusal.value.errors) == [field]
        assert not Patient.objects.exists()
        assert not MrnCounter.objects.filter(last_number__gt=0).exists()
        assert not OutboxEvent.objects.exists()

    def test_audit_names_no_person(self, desk):
        patient = register(desk)

        event = OutboxEvent.objects.get()
        assert (event.action, event.patient_id) == ("patients.patient.registered", patient.public_id)
        assert event.document["changes"] == {"mrn": patient.mrn}


@pytest.mark.django_db
class TestChanging:
    def test_named_lists_replace_the_stored_ones_and_keep_what_stays(self, desk):
        kept = AllergyFactory(substance="Penicillin")
        AllergyFactory(patient=kept.patient, substance="Latex")

        update_patient(
            patient_id=kept.patient_id,
            changes={"allergies": [{"substance": "penicillin", "severity": "severe"}, {"substance": "Nuts"}]},
            by=desk,
        )

        rows = dict(kept.patient.allergies.values_list("substance", "severity"))
        assert rows == {"penicillin": "severe", "Nuts": ""}
        kept.refresh_from_db()
        assert kept.severity == "severe"

    @pytest.mark.parametrize(
        "problem",
        [
            {"onset_on": date(2999, 1, 1)},
            {"onset_on": date(1983, 12, 31)},
            {"code": "zzz"},
            {"code": "J99.9"},
        ],
    )
    def test_impossible_problem_is_refused(self, desk, problem):
        load_codes(titles=[("J45.9", "Asthma, unspecified")], synonyms=[])
        patient = PatientFactory(date_of_birth=date(1984, 3, 1))
        row = {"text": "Asthma"} | problem

        with pytest.raises(InvalidInput) as refusal:
            update_patient(patient_id=patient.pk, changes={"problems": [row]}, by=desk)
        with pytest.raises(InvalidInput):
            register(desk, problems=[row])

        assert refusal.value.errors["problems"][0].startswith("Asthma: ")
        assert not patient.problems.exists()
        assert Patient.objects.count() == 1

    def test_problem_may_begin_in_the_year_of_birth_or_before_one_that_is_estimated(self, desk):
        patient = PatientFactory(date_of_birth=date(1984, 3, 1), date_of_birth_precision="year")

        update_patient(patient_id=patient.pk, changes={"problems": [{"text": "Asthma", "onset_on": date(1984, 1, 1)}]}, by=desk)
        update_patient(
            patient_id=patient.pk,
            changes={"date_of_birth_precision": "estimated", "problems": [{"text": "Asthma", "onset_on": date(1980, 1, 1)}]},
            by=desk,
        )

        assert patient.problems.get().onset_on == date(1980, 1, 1)

    def test_code_that_stands_there_already_may_stay(self, desk):
        load_codes(titles=[("J45.9", "Asthma, unspecified")], synonyms=[])
        kept = ProblemFactory(text="Gout", code="OLD1")

        rows = [{"text": "Gout", "code": "OLD1"}, {"text": "Asthma", "code": " j45.9"}]
        update_patient(patient_id=kept.patient_id, changes={"problems": rows}, by=desk)

        assert dict(kept.patient.problems.values_list("text", "code")) == {"Gout": "OLD1", "Asthma": "J45.9"}

    @pytest.mark.parametrize(("name", "key"), [("allergies", "substance"), ("problems", "text")])
    def test_endless_list_is_refused(self, desk, name, key):
        rows = [{key: f"x{number}"} for number in range(51)]

        with pytest.raises(InvalidInput) as refusal:
            register(desk, **{name: rows})

        assert list(refusal.value.errors) == [name]
        assert not Patient.objects.exists()

    def test_what_is_not_named_stays(self, desk):
        allergy = AllergyFactory()

        update_patient(patient_id=allergy.patient_id, changes={"blood_group": "A+"}, by=desk)

        assert list(allergy.patient.allergies.all()) == [allergy]

    def test_unchanged_values_write_nothing(self, desk):
        patient = PatientFactory(phone="+12025550143")

        changed = update_patient(patient_id=patient.pk, changes={"phone": "(202) 555-0143", "last_name": patient.last_name}, by=desk)

        assert changed.version == 1
        assert not OutboxEvent.objects.exists()

    def test_stale_version_is_refused(self, desk):
        patient = PatientFactory(version=2)

        with pytest.raises(StaleVersion):
            update_patient(patient_id=patient.pk, changes={"address": "x"}, by=desk, expected_version=1)

        patient.refresh_from_db()
        assert patient.address == ""

    def test_email_of_another_account_is_refused(self, desk):
        PatientFactory(user=user(Role.PATIENT), email="ann@example.org")
        patient = PatientFactory(user=user(Role.PATIENT))

        with pytest.raises(EmailTaken):
            update_patient(patient_id=patient.pk, changes={"email": "ANN@example.org"}, by=desk)

        patient.refresh_from_db()
        assert patient.email == ""

    def test_audit_names_the_fields_only(self, desk):
        patient = PatientFactory()

        update_patient(patient_id=patient.pk, changes={"address": "12 Harbour St", "problems": [{"text": "Asthma"}]}, by=desk)

        assert OutboxEvent.objects.get().document["changes"] == {"fields": ["address", "problems"]}


@pytest.mark.django_db
class TestDeactivating:
    def test_deactivated_with_a_reason_and_brought_back(self, desk):
        patient = PatientFactory()

        deactivate_patient(patient_id=patient.pk, reason=" moved  away ", by=desk)
        patient.refresh_from_db()
        assert (patient.status, patient.deactivated_reason) == ("inactive", "moved away")

        reactivate_patient(patient_id=patient.pk, by=desk)
        patient.refresh_from_db()
        assert (patient.status, patient.deactivated_reason) == ("active", "")

    def test_again_changes_nothing(self, desk):
        patient = PatientFactory()
        deactivate_patient(patient_id=patient.pk, reason="deceased", by=desk)

        deactivate_patient(patient_id=patient.pk, reason="other", by=desk)

        patient.refresh_from_db()
        assert (patient.deactivated_reason, patient.version) == ("deceased", 2)

    def test_reason_is_needed(self, desk):
        patient = PatientFactory()

        with pytest.raises(ReasonMissing):
            deactivate_patient(patient_id=patient.pk, reason=" ", by=desk)

        patient.refresh_from_db()
        assert patient.is_active

    def test_patient_who_is_being_seen_stays_active(self, desk):
        encounter = EncounterFactory()

        with pytest.raises(EncounterOpen):
            deactivate_patient(patient_id=encounter.patient_id, reason="x", by=desk)

        encounter.patient.refresh_from_db()
        assert encounter.patient.is_active


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_no_mrn_is_given_twice(self, desk, at_once):
        patients = at_once(*[lambda: register(desk)] * 8)

        assert sorted(patient.mrn for patient in patients) == [mrn_of(number) for number in range(1, 9)]

    def test_without_the_lock_two_would_get_the_same_mrn(self, desk, at_once, monkeypatch):
        """The negative control: both read the counter before either writes it."""
        register(desk)
        both_have_read = threading.Barrier(2)

        def read_only():
            counter = MrnCounter.objects.get()
            both_have_read.wait(10)
            return counter

        monkeypatch.setattr(locks, "lock_mrn_counter", read_only)
        results = at_once(*[lambda: register(desk)] * 2)

        assert sorted(type(result) for result in results if not isinstance(result, Patient)) == [IntegrityError]
        assert Patient.objects.count() == 2

    def test_two_clicks_register_once(self, desk, at_once):
        request_id = uuid4()

        first, second = at_once(*[lambda: register(desk, request_id=request_id)] * 2)

        assert first == second
        assert Patient.objects.count() == 1

    def test_one_of_two_edits_of_the_same_version_wins(self, desk, at_once):
        patient = PatientFactory()

        results = at_once(
            *(
                lambda text=text: update_patient(patient_id=patient.pk, changes={"address": text}, by=desk, expected_version=1)
                for text in ("first", "second")
            )
        )

        assert sorted(type(result).__name__ for result in results) == ["Patient", "StaleVersion"]
        patient.refresh_from_db()
        assert patient.version == 2
