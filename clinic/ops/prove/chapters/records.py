"""Visits to write into, for the chapters about the record."""

from clinic.ops.prove.facts import Row
from clinic.ops.prove.stack import Site

ENCOUNTER = "patients_encounter"


def open_visits(site: Site, number: int) -> list[tuple[Row, Row]]:
    """(visit, its patient): so many visits in progress at the first doctor, each of another patient as far as there are any."""
    patients = site.facts.patients
    owners = [patients[n % len(patients)] for n in range(number)]
    site.executemany(
        f"INSERT INTO {ENCOUNTER} (public_id, patient_id, doctor_id, status, reason, diagnosis_text, content_sha256,"
        " entered_in_error_reason, version) VALUES (gen_random_uuid(), %s, %s, 'in_progress', '', '', '', '', 1)",
        [(owner.pk, site.facts.doctors[0].pk) for owner in owners],
    )
    by_pk = {owner.pk: owner for owner in patients}
    rows = site.rows(f"SELECT public_id::text, id, patient_id FROM {ENCOUNTER} ORDER BY id")
    return [(Row(public_id, pk), by_pk[owner]) for public_id, pk, owner in rows]
