"""What a change of one row means for the facts that are derived from it."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from analytics.models import Subject

Keys = dict[Subject, set[int]]

# (what changed, what is derived anew for it, which rows those are)
_FOLLOWING = (
    (Subject.USER, Subject.DOCTOR, "SELECT id FROM accounts_doctor WHERE user_id = ANY(%(ids)s)"),
    (Subject.BATCH, Subject.DISPENSE, "SELECT id FROM pharmacy_dispenseline WHERE batch_id = ANY(%(ids)s)"),
    (
        Subject.PRESCRIPTION,
        Subject.DISPENSE,
        """SELECT line.id FROM pharmacy_dispenseline line JOIN pharmacy_dispense dispense ON dispense.id = line.dispense_id
            WHERE dispense.prescription_id = ANY(%(ids)s)""",
    ),
    (Subject.VISIT, Subject.INVOICE, "SELECT id FROM billing_invoice WHERE encounter_id = ANY(%(ids)s)"),
    (Subject.INVOICE, Subject.PAYMENT, "SELECT id FROM billing_payment WHERE invoice_id = ANY(%(ids)s)"),
    (Subject.PAYMENT, Subject.REFUND, "SELECT id FROM billing_refund WHERE payment_id = ANY(%(ids)s)"),
)
# Doctors and departments that moved since their dimension was derived: all that happened there goes along.
_MOVED_DOCTORS = """
    SELECT there.id FROM dim_doctor there JOIN accounts_doctor doctor USING (id)
     WHERE doctor.id = ANY(%(ids)s) AND doctor.department_id <> there.department_id
"""
_MOVED_DEPARTMENTS = """
    SELECT there.id FROM dim_department there JOIN accounts_department department USING (id)
     WHERE department.id = ANY(%(ids)s) AND department.facility_id <> there.facility_id
"""
_OF_MOVED = {
    Subject.APPOINTMENT: "SELECT source_id FROM fact_appointment WHERE {column} = ANY(%(ids)s)",
    Subject.VISIT: "SELECT source_id FROM fact_visit WHERE {column} = ANY(%(ids)s)",
    Subject.DISPENSE: "SELECT source_id FROM fact_dispense WHERE {column} = ANY(%(ids)s)",
    Subject.PAYMENT: "SELECT source_id FROM fact_payment WHERE kind = 'payment' AND {column} = ANY(%(ids)s)",
    Subject.REFUND: "SELECT source_id FROM fact_payment WHERE kind = 'refund' AND {column} = ANY(%(ids)s)",
}


def keys_to_derive(changes: Iterable[tuple[str, int]]) -> Keys:
    """Of each subject the rows to derive anew. To be asked before the dimensions are."""
    keys: Keys = defaultdict(set)
    for subject, source_id in changes:
        keys[Subject(subject)].add(source_id)
    for cause, effect, sql in _FOLLOWING:
        keys[effect] |= _ids(sql, keys[cause])
    for subject, moved, column in (
        (Subject.DOCTOR, _MOVED_DOCTORS, "doctor_id"),
        (Subject.DEPARTMENT, _MOVED_DEPARTMENTS, "department_id"),
    ):
        if ids := _ids(moved, keys[subject]):
            for fact, sql in _OF_MOVED.items():
                keys[fact] |= _ids(sql.format(column=column), ids)
    return keys


def _ids(sql: str, ids: set[int]) -> set[int]:
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": sorted(ids)})
        return {row[0] for row in cursor.fetchall()}
