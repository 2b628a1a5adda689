from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent, Topic
from patients.models import ClinicalNote
from patients.selectors import search_notes
from patients.services import notes
from patients.services.encounters import complete_visit, mark_entered_in_error
from patients.tests.factories import ClinicalNoteFactory, DiagnosisFactory, EncounterFactory, PatientFactory

pytestmark = pytest.mark.django_db


def write(visit, text, amends=None, **observations):
    return notes.write_note(
        encounter_id=visit.pk,
        patient_id=visit.patient_id,
        author=visit.doctor.user,
        text=text,
        observations=observations,
        tags=["review"],
        amends=amends,
    )


def found(query, by) -> list[ClinicalNote]:
    return list(search_notes(query, by, now=timezone.now()))


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def doctor():
    return user(Role.DOCTOR)


@pytest.mark.parametrize("query", ["coughing", "cough night", '"worse at night"', "fever", "review", "cough -knee", "plaster or cough"])
def test_words_of_text_symptoms_and_tags_find_a_note(visit, doctor, query):
    note = write(visit, "Coughs, worse at night", symptoms=["fever"])

    assert found(query, doctor) == [note]


@pytest.mark.parametrize("query", ["knee", '"night worse"', "cough -night", "", '"', "\0", "!&|", "a" * 5000])
def test_other_words_find_none(visit, doctor, query):
    write(visit, "Coughs, worse at night")

    assert found(query, doctor) == []


def test_only_the_current_version_is_found(visit, doctor):
    first = write(visit, "Left knee")
    second = write(visit, "Right knee", amends=first.public_id)

    assert found("knee", doctor) == [second]
    assert found("left", doctor) == []


def test_it_needs_no_mongodb(visit, doctor, api_as, mongodb_down):
    write(visit, "Cough")
    ClinicalNote.objects.update(stored_at=timezone.now() - timedelta(days=2), body=None)

    [note] = api_as(doctor).get("/api/v1/clinical-notes/", {"search": "cough"}).json()["results"]

    assert (note["state"], note["text"]) == ("unavailable", None)


def test_patient_finds_the_own_notes_and_restricted_charts_stay_closed(doctor):
    patient = PatientFactory(user=user(Role.PATIENT))
    own = write(EncounterFactory(patient=patient), "Cough")
    restricted = EncounterFactory(patient=PatientFactory(is_restricted=True))
    hidden = write(restricted, "Cough")

    assert found("cough", patient.user) == [own]
    assert found("cough", doctor) == [own]
    assert set(found("cough", restricted.doctor.user)) == {own, hidden}


def test_note_of_a_visit_entered_in_error_is_not_found(visit, doctor):
    write(visit, "Cough")
    mark_entered_in_error(encounter_id=visit.pk, reason="Wrong patient", by=doctor)

    assert found("cough", doctor) == []


def test_search_column_is_frozen_with_its_version(visit):
    write(visit, "Cough")

    with pytest.raises(Exception, match="this row is frozen"), connection.cursor() as cursor:
        cursor.execute("UPDATE patients_clinicalnote SET search_words = ''")


@pytest.mark.parametrize("params", [{}, {"search": ""}, {"search": "a" * 101}, {"search": "\0"}])
def test_api_refuses_what_is_no_search(api_as, doctor, params):
    answer = api_as(doctor).get("/api/v1/clinical-notes/", params)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["search"])


def test_page_and_api_are_flat_in_queries_and_say_whose_chart_was_read(client_as, api_as, doctor, visit, django_assert_max_num_queries):
    client, api = client_as(doctor), api_as(doctor)
    for count in (3, 27):
        ClinicalNoteFactory.create_batch(count, encounter=visit)
        with django_assert_max_num_queries(10):
            page = client.get(reverse("patients:note_search"), {"q": "cough"})
        with django_assert_max_num_queries(10):
            api.get("/api/v1/clinical-notes/", {"search": "cough"})

    assert "Cough for three days" in page.content.decode()
    readings = OutboxEvent.objects.filter(action="patients.chart.read", patient_id=visit.patient.public_id)
    assert [event.document["changes"] for event in readings] == [{"encounters": [str(visit.public_id)]}] * 4


def test_completed_visit_goes_to_the_history_without_a_name_or_clinical_text(visit):
    DiagnosisFactory(encounter=visit, code="I10", text="Hypertension")
    write(visit, "Cough")

    complete_visit(encounter_id=visit.pk, by=visit.doctor.user)

    [event] = OutboxEvent.objects.filter(topic=Topic.VISITS)
    document = event.document
    assert document["visit_id"] == str(visit.public_id)
    assert document["patient_id"] == str(visit.patient.public_id)
    assert document["doctor"] == {"id": str(visit.doctor.public_id), "name": visit.doctor.name}
    assert document["diagnoses"] == ["I10"]
    assert document["counts"]["notes"] == 1
    for words in ("Cough", "Hypertension", visit.patient.last_name):
        assert words not in str(document)
