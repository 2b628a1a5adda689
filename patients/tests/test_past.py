"""How a chart stood on a day that has passed. The rows that triggers write are set back in time by writing them anew."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.together import together
from patients.models import Allergy, ListEntry, Patient, Problem
from patients.selectors import lists_as_of
from patients.services import merging
from patients.services.registration import register_patient, update_patient
from patients.tests.factories import AllergyFactory, DiagnosisFactory, EncounterFactory, PatientFactory, ProblemFactory
from pharmacy.models import Prescription
from pharmacy.services.prescribing import cancel_prescription
from pharmacy.tests.factories import MedicineFactory, line_of, signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def doctor(client_as):
    return client_as(DoctorFactory().user)


@pytest.fixture
def today():
    return timezone.localdate()


def entry(patient, kind, content, *, days_ago, item=None):
    at = timezone.now() - timedelta(days=days_ago)
    return ListEntry.objects.create(patient=patient, kind=kind, item=item or uuid4(), content=content, at=at)


def allergy_of(substance, severity=""):
    return {"substance": substance, "reaction": "", "severity": severity}


def kept_for(patient, *, days):
    Patient.objects.filter(pk=patient.pk).update(lists_kept_since=timezone.now() - timedelta(days=days))
    patient.refresh_from_db()
    return patient


def lists_of(patient, day):
    [lists] = together(lists_as_of(patient, day))
    return lists


def said(patient):
    return list(ListEntry.objects.filter(patient=patient).order_by("id").values_list("kind", "content"))


def chart_of(client, patient, as_of):
    return client.get(reverse("patients:chart", args=[patient.public_id]), {"as_of": as_of})


class TestKeeping:
    def test_each_change_of_a_list_is_kept(self):
        by = user(Role.NURSE)
        data = {"first_name": "Ann", "last_name": "Bell", "date_of_birth": date(1984, 2, 29), "sex": "female"}
        patient = register_patient(data=data | {"allergies": [{"substance": "Latex"}]}, by=by, on=timezone.localdate())

        update_patient(patient_id=patient.pk, changes={"allergies": [{"substance": "Latex", "severity": "severe"}]}, by=by)
        update_patient(patient_id=patient.pk, changes={"allergies": []}, by=by)

        assert said(patient) == [
            ("allergy", allergy_of("Latex")),
            ("allergy", allergy_of("Latex", "severe")),
            ("review", {}),
            ("allergy", None),
            ("review", {}),
        ]

    def test_sql_that_goes_round_the_services_is_kept_too(self):
        problem = ProblemFactory()

        with connection.cursor() as cursor:
            cursor.execute("UPDATE patients_problem SET is_active = false WHERE id = %s", [problem.pk])
            cursor.execute("UPDATE patients_problem SET text = text WHERE id = %s", [problem.pk])  # changes nothing
            cursor.execute("DELETE FROM patients_problem WHERE id = %s", [problem.pk])

        of_problem = {"text": "Asthma", "code": "", "onset_on": None}
        kept = [("problem", of_problem | {"is_active": True}), ("problem", of_problem | {"is_active": False}), ("problem", None)]
        assert said(problem.patient) == kept

    @pytest.mark.parametrize("verb", ["UPDATE patients_listentry SET content = NULL", "DELETE FROM patients_listentry"])
    def test_what_was_kept_is_not_changed(self, verb):
        AllergyFactory()

        with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(verb)

        assert constraint_of(refusal.value) == "list_entry_append_only"
        assert ListEntry.objects.get().content

    def test_an_entry_is_of_a_known_kind(self):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            entry(PatientFactory(), "mood", {}, days_ago=1)

        assert constraint_of(refusal.value) == "list_entry_of_a_kind"


class TestListsAsOf:
    def test_the_last_word_of_each_line_by_the_end_of_the_day_counts(self, today):
        patient, item = PatientFactory(), uuid4()
        entry(patient, "allergy", allergy_of("Latex"), days_ago=9, item=item)
        entry(patient, "allergy", allergy_of("Latex", "severe"), days_ago=6, item=item)
        entry(patient, "allergy", allergy_of("Aspirin"), days_ago=6)
        entry(patient, "allergy", None, days_ago=3, item=item)

        stood = {
            ago: [(each.substance, each.severity) for each in lists_of(patient, today - timedelta(days=ago)).allergies]
            for ago in (10, 9, 7, 6, 4, 3, 0)
        }

        both, one = [("Aspirin", ""), ("Latex", "severe")], [("Aspirin", "")]
        assert stood == {10: [], 9: [("Latex", "")], 7: [("Latex", "")], 6: both, 4: both, 3: one, 0: one}

    def test_a_day_ends_by_the_clinics_clock(self, settings):
        settings.TIME_ZONE = "Asia/Tokyo"
        with timezone.override("Asia/Tokyo"):
            patient = PatientFactory()
            for hour, substance in ((23, "Latex"), (24, "Aspirin")):
                at = datetime(2026, 3, 4, tzinfo=timezone.get_current_timezone()) + timedelta(hours=hour, minutes=30)
                ListEntry.objects.create(patient=patient, kind="allergy", item=uuid4(), content=allergy_of(substance), at=at)

            assert [each.substance for each in lists_of(patient, date(2026, 3, 4)).allergies] == ["Latex"]

    def test_problems_come_back_as_they_were(self, today):
        patient = PatientFactory()
        entry(patient, "problem", {"text": "Gout", "code": "M10", "onset_on": "2020-02-01", "is_active": False}, days_ago=5)
        entry(patient, "problem", {"text": "Zoster", "code": "", "onset_on": None, "is_active": True}, days_ago=5)

        problems = lists_of(patient, today - timedelta(days=5)).problems

        assert [(each.text, each.code, each.onset_on, each.is_active) for each in problems] == [
            ("Zoster", "", None, True),
            ("Gout", "M10", date(2020, 2, 1), False),
        ]

    def test_none_is_said_only_of_days_by_which_somebody_had_asked(self, today):
        by, patient = user(Role.NURSE), PatientFactory(allergies_reviewed_at=timezone.now() - timedelta(days=5))
        update_patient(patient_id=patient.pk, changes={"allergies": []}, by=by)
        patient.refresh_from_db()

        known = {ago: lists_of(patient, today - timedelta(days=ago)).allergies_known for ago in (6, 5, 1, 0)}

        assert known == {6: False, 5: True, 1: True, 0: True}

    def test_it_says_from_when_every_change_is_kept(self, today):
        patient = kept_for(PatientFactory(), days=4)

        assert [lists_of(patient, today - timedelta(days=ago)).is_exact for ago in (5, 4, 0)] == [False, True, True]

    def test_anothers_entries_stay_out(self, today):
        entry(PatientFactory(), "allergy", allergy_of("Latex"), days_ago=2)

        assert lists_of(PatientFactory(), today).allergies == []

    def test_of_merged_records_both_are_heard_for_days_before_the_merge(self, today):
        survivor, loser, desk = PatientFactory(), PatientFactory(), user(Role.RECEPTION)
        entry(survivor, "allergy", allergy_of("Aspirin"), days_ago=9)
        theirs = AllergyFactory(patient=loser, substance="Latex")
        entry(loser, "allergy", allergy_of("Latex"), days_ago=8, item=theirs.public_id)

        merging.merge_patients(survivor_id=survivor.pk, loser_id=loser.pk, reason="Twice", by=desk, now=timezone.now())

        before, now = lists_of(survivor, today - timedelta(days=7)), lists_of(survivor, today)
        assert [each.substance for each in before.allergies] == ["Aspirin", "Latex"]
        assert before.merged_since == [loser.mrn]
        assert [each.substance for each in now.allergies] == ["Aspirin", "Latex"]
        assert now.merged_since == []

        merging.unmerge_patients(patient_id=survivor.pk, by=desk, now=timezone.now())

        assert [each.substance for each in lists_of(survivor, today).allergies] == ["Aspirin"]
        assert [each.substance for each in lists_of(loser, today).allergies] == ["Latex"]


class TestPage:
    def test_shows_that_day_and_nothing_of_today(self, doctor, today):
        now, patient = timezone.now(), kept_for(PatientFactory(), days=30)
        entry(patient, "allergy", allergy_of("Aspirin"), days_ago=9)
        AllergyFactory(patient=patient, substance="Latex")
        ProblemFactory(patient=patient)
        old = EncounterFactory(patient=patient, started_at=now - timedelta(days=8), reason="Old cough")
        DiagnosisFactory(encounter=old, text="Old bronchitis")
        old.status, old.signed_at, old.signed_by, old.content_sha256 = "completed", now - timedelta(days=8), old.doctor.user, "0" * 64
        old.save()
        EncounterFactory(patient=patient, signed=True, reason="New rash")
        EncounterFactory(patient=patient, started_at=now - timedelta(days=8), reason="Still open")

        page = chart_of(doctor, patient, today - timedelta(days=7)).content.decode()

        assert "This is not the chart of today" in page
        for shown in ("Aspirin", "Old cough", "Old bronchitis"):
            assert shown in page
        for later in ("Latex", "Asthma", "New rash", "Still open", "each change is kept since"):
            assert later not in page

    def test_medication_is_that_of_the_day(self, doctor, today, monkeypatch):
        visit = EncounterFactory()
        signed(line_of(MedicineFactory(name="Amoxicillin"), duration_days=7), encounter=visit)

        for days, shown in ((-1, False), (0, True), (6, True), (7, False)):
            monkeypatch.setattr("patients.views.chart.timezone.localdate", lambda: today + timedelta(days=9))
            page = chart_of(doctor, visit.patient, today + timedelta(days=days)).content.decode()
            assert ("Amoxicillin" in page) == shown, days

    def test_what_was_cancelled_later_was_taken_until_then(self, doctor, today):
        visit = EncounterFactory()
        with_days = signed(line_of(MedicineFactory(name="Codeine"), duration_days=30), encounter=visit, cleared=False)
        with pgtrigger.ignore():
            Prescription.objects.update(signed_at=timezone.now() - timedelta(days=5))
        cancel_prescription(prescription_id=with_days.pk, reason="Rash", by=visit.doctor.user)

        shown = [ago for ago in (6, 5, 1, 0) if b"Codeine" in chart_of(doctor, visit.patient, today - timedelta(days=ago)).content]

        assert shown == [5, 1]

    def test_it_says_what_is_not_known_exactly(self, doctor, today):
        page = chart_of(doctor, PatientFactory(), today - timedelta(days=3)).content.decode()

        assert "each change is kept since" in page
        assert "nobody is known to have asked about allergies" in page
        assert "No known allergies" not in page

    @pytest.mark.parametrize(
        "as_of", ["", "x", "2026-13-01", "2026-02-30", "01.02.2026", "1879-12-31", "9999-12-31", "0001-01-01", "\0", "-1", "9" * 500]
    )
    def test_a_day_that_is_none_is_said_so(self, doctor, as_of):
        answer = chart_of(doctor, AllergyFactory(substance="Latex").patient, as_of)

        assert answer.status_code == 400
        assert b"is-invalid" in answer.content or b"field-error" in answer.content
        assert b"Latex" not in answer.content

    def test_tomorrow_is_refused_and_today_is_not(self, doctor, today):
        patient = PatientFactory()

        assert chart_of(doctor, patient, today).status_code == 200
        assert chart_of(doctor, patient, today + timedelta(days=1)).status_code == 400

    def test_it_is_a_reading_of_the_chart(self, doctor, today):
        patient = PatientFactory()

        chart_of(doctor, patient, today)

        assert OutboxEvent.objects.filter(action="patients.chart.read", patient_id=patient.public_id).count() == 1

    def test_the_desk_sees_no_visits_and_no_medication(self, client_as, today):
        visit = EncounterFactory(signed=True, reason="Private matter")
        signed_names = chart_of(client_as(user(Role.RECEPTION)), visit.patient, today).content

        assert b"Private matter" not in signed_names
        assert b'id="medication"' not in signed_names

    @pytest.mark.parametrize("rows", [1, 30])
    def test_it_takes_ten_queries_at_most(self, doctor, today, rows, django_assert_max_num_queries):
        patient = PatientFactory()
        for _ in range(rows):
            AllergyFactory(patient=patient)
            ProblemFactory(patient=patient)
            DiagnosisFactory(encounter=EncounterFactory(patient=patient, doctor=DoctorFactory()))
        patient.encounters.update(status="completed", signed_at=timezone.now(), signed_by=user(Role.DOCTOR), content_sha256="0" * 64)
        assert (Allergy.objects.count(), Problem.objects.count()) == (rows, rows)

        with django_assert_max_num_queries(10):
            assert chart_of(doctor, patient, today).status_code == 200
