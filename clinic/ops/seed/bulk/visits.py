"""Appointments and the encounters they became."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic.accounts.models import Doctor
from clinic.ops.seed.bulk.copying import NULL, Sheet, uuid_of
from clinic.ops.seed.bulk.diary import BOOKED, CANCELLED, COMPLETED, Diary, Visit
from clinic.ops.seed.data.ailments import AILMENTS, Ailment
from patients.models import Diagnosis, Encounter, Vitals
from patients.rules.notes import sha256_of
from scheduling.models import Appointment

appointments = Sheet(
    Appointment,
    "id",
    "public_id",
    "patient_id",
    "doctor_id",
    "facility_id",
    "during",
    "status",
    "reason",
    "closed_reason",
    "encounter_id",
    "created_at",
    "updated_at",
)
encounters = Sheet(
    Encounter,
    "id",
    "public_id",
    "patient_id",
    "doctor_id",
    "status",
    "reason",
    "diagnosis_text",
    "started_at",
    "signed_at",
    "signed_by_id",
    "content_sha256",
)
vitals = Sheet(
    Vitals, "public_id", "encounter_id", "pulse_bpm", "systolic_mmhg", "diastolic_mmhg", "spo2_percent", "recorded_by_id", "recorded_at"
)
diagnoses = Sheet(Diagnosis, "public_id", "encounter_id", "code", "text", "recorded_by_id")

_LONG = timedelta(minutes=14)


@dataclass(frozen=True)
class Keys:
    """The first primary key of what is made, by table; the doctors in the order of their numbers."""

    patient: int
    appointment: int
    encounter: int
    facility: int
    doctors: list[Doctor]

    def doctor(self, visit: Visit) -> Doctor:
        return self.doctors[visit.doctor]


def appointment_lines(diary: Diary, keys: Keys, now: datetime) -> Iterator[str]:
    seen = 0
    for visit in diary:
        encounter = NULL
        if visit.status == COMPLETED:
            encounter, seen = keys.encounter + seen, seen + 1
        booked = min(visit.start - timedelta(days=1 + visit.number % 14), now)
        closed = "Asked to cancel" if visit.status == CANCELLED else ""
        yield appointments.line(
            keys.appointment + visit.number,
            uuid_of("appointment", visit.number),
            keys.patient + visit.patient,
            keys.doctor(visit).pk,
            keys.facility,
            f"[{visit.start},{visit.end})",
            visit.status,
            ailment_of(visit, keys).reason,
            closed,
            encounter,
            booked,
            booked if visit.status == BOOKED else visit.end,
        )


def encounter_lines(diary: Diary, keys: Keys) -> Iterator[str]:
    """Signed by the doctor, with the hash of the content: with papers that is one set of vitals and one diagnosis."""
    for seen, visit in enumerate(diary.completed()):
        ailment, doctor = ailment_of(visit, keys), keys.doctor(visit)
        yield encounters.line(
            keys.encounter + seen,
            uuid_of("encounter", seen),
            keys.patient + visit.patient,
            doctor.pk,
            COMPLETED,
            ailment.reason,
            ailment.diagnosis,
            visit.start,
            visit.start + _LONG,
            doctor.user_id,
            sha256_of(_content(diary, seen, visit, keys)),
        )


def vitals_lines(diary: Diary, keys: Keys) -> Iterator[str]:
    for seen, visit in enumerate(diary.completed()):
        measured = _measured(seen).values()
        yield vitals.line(uuid_of("vitals", seen), keys.encounter + seen, *measured, keys.doctor(visit).user_id, visit.start)


def diagnosis_lines(diary: Diary, keys: Keys) -> Iterator[str]:
    for seen, visit in enumerate(diary.completed()):
        ailment = ailment_of(visit, keys)
        yield diagnoses.line(uuid_of("diagnosis", seen), keys.encounter + seen, ailment.code, ailment.diagnosis, keys.doctor(visit).user_id)


def ailment_of(visit: Visit, keys: Keys) -> Ailment:
    known = AILMENTS[keys.doctor(visit).department.name]
    return known[visit.number % len(known)]


def _measured(seen: int) -> dict[str, int]:
    return {
        "pulse_bpm": 58 + seen * 7 % 40,
        "systolic_mmhg": 104 + seen * 11 % 52,
        "diastolic_mmhg": 62 + seen * 5 % 32,
        "spo2_percent": 94 + seen % 6,
    }


def _content(diary: Diary, seen: int, visit: Visit, keys: Keys) -> dict:
    """As `patients.services.signed_content.content_of` reads it back."""
    ailment = ailment_of(visit, keys)
    content = {
        "id": uuid_of("encounter", seen),
        "patient": uuid_of("patient", visit.patient),
        "doctor": str(keys.doctor(visit).public_id),
        "reason": ailment.reason,
        "diagnosis": ailment.diagnosis,
        "vitals": [],
        "diagnoses": [],
        "notes": [],
    }
    if diary.scale.with_papers:
        content["vitals"] = [{"id": uuid_of("vitals", seen)} | {name: str(value) for name, value in _measured(seen).items()}]
        content["diagnoses"] = [{"id": uuid_of("diagnosis", seen), "code": ailment.code, "text": ailment.diagnosis, "rank": "primary"}]
    return content
