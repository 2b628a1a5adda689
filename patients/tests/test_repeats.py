"""A form that comes back as it was is done once; one that comes back with something else is not said to be done."""

from datetime import date
from uuid import uuid4

import pytest
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from clinic.core.errors import RequestReused
from patients.models import Addendum, ClinicalNote, Consent, Diagnosis, Encounter, Patient, Vitals
from patients.services import addenda, consents, encounters, notes, registration
from patients.tests.factories import EncounterFactory

pytestmark = pytest.mark.django_db


def note(visit, text="Cough", **more):
    about = {"encounter_id": visit.pk, "patient_id": visit.patient_id, "author": visit.doctor.user}
    return notes.write_note(text=text, observations={}, tags=[], **about, **more)


def vitals(visit, pulse_bpm=72, **more):
    return encounters.record_vitals(encounter_id=visit.pk, values={"pulse_bpm": pulse_bpm}, by=visit.doctor.user, **more)


def diagnosis(visit, text="Asthma", **more):
    return encounters.add_diagnosis(encounter_id=visit.pk, text=text, code="", rank="secondary", by=visit.doctor.user, **more)


def addendum(visit, text="The left knee.", **more):
    if visit.is_open:
        encounters.complete_visit(encounter_id=visit.pk, by=visit.doctor.user)
    return addenda.add_addendum(encounter_id=visit.pk, reason="Wrong side", text=text, author=visit.doctor.user, **more)


def visit_of(visit, doctor=None, **more):
    doctor_id = doctor.pk if doctor else visit.doctor_id
    return encounters.start_encounter(patient_id=visit.patient_id, doctor_id=doctor_id, by=visit.doctor.user, **more)


def consent(visit, status="active", **more):
    today = timezone.localdate()
    values = {"category": "treatment", "status": status, "given_on": today}
    return consents.record_consent(patient_id=visit.patient_id, values=values, by=visit.doctor.user, on=today, **more)


def patient(visit, first_name="Ann", **more):
    data = {"first_name": first_name, "last_name": "Bell", "date_of_birth": date(1984, 2, 29), "sex": "female"}
    return registration.register_patient(data=data, by=visit.doctor.user, on=timezone.localdate(), **more)


@pytest.mark.parametrize(
    ("model", "do", "other"),
    [
        (ClinicalNote, note, {"text": "Cough, and a fever since Monday"}),
        (Vitals, vitals, {"pulse_bpm": 120}),
        (Diagnosis, diagnosis, {"text": "Pneumonia"}),
        (Addendum, addendum, {"text": "The right knee."}),
        (Encounter, visit_of, {"doctor": "another"}),
        (Consent, consent, {"status": "rejected"}),
        (Patient, patient, {"first_name": "Bob"}),
    ],
)
def test_the_same_once_more_is_done_once_and_something_else_is_refused(model, do, other):
    visit, request_id = EncounterFactory(doctor=DoctorFactory()), uuid4()
    first = do(visit, request_id=request_id)
    visit.refresh_from_db()
    rows = model.objects.count()
    if "doctor" in other:
        other = {"doctor": DoctorFactory()}

    assert do(visit, request_id=request_id) == first
    with pytest.raises(RequestReused):
        do(visit, request_id=request_id, **other)

    assert model.objects.count() == rows
    assert do(visit, request_id=uuid4(), **other) != first
