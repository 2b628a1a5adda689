"""What each dimension and fact is, as SQL over the operational tables.

`source` in each is the operational row that it stands for, one for one.
"""

from dataclasses import dataclass

from analytics.etl.derived import Derived, Scope
from analytics.models import (
    DimDepartment,
    DimDoctor,
    DimMedicine,
    DimPatient,
    FactAppointment,
    FactDispense,
    FactPayment,
    FactVisit,
    PaymentKind,
    Subject,
)

CELL = ("date", "doctor_id", "facility_id")

# Whole minutes, none below 0; without one of the two it is not known (greatest alone would call that 0).
_MINUTES = "CASE WHEN {until} >= {since} THEN floor(extract(epoch FROM {until} - {since}) / 60)::int WHEN {until} < {since} THEN 0 END"
_WAIT = _MINUTES.format(until="token.called_at", since="token.issued_at")
_CONSULTED = _MINUTES.format(until="source.signed_at", since="source.started_at")
_LENGTH = _MINUTES.format(until="upper(source.during)", since="lower(source.during)")

DEPARTMENT = "SELECT source.id, source.public_id, source.name, source.facility_id FROM accounts_department source WHERE {scope}"
DOCTOR = """
    SELECT source.id, source.public_id, source.department_id, source.is_active,
           'Dr ' || COALESCE(NULLIF(trim(concat_ws(' ', person.first_name, person.last_name)), ''), person.username) AS name
      FROM accounts_doctor source JOIN accounts_user person ON person.id = source.user_id
     WHERE {scope}
"""
PATIENT = """
    SELECT source.id, source.public_id, source.sex, extract(year FROM source.date_of_birth)::int AS birth_year, source.registered_on
      FROM patients_patient source WHERE {scope}
"""
MEDICINE = "SELECT source.id, source.public_id, source.name, source.unit FROM pharmacy_medicine source WHERE {scope}"
APPOINTMENT = f"""
    SELECT source.id AS source_id, source.public_id, (lower(source.during) AT TIME ZONE {{zone}})::date AS date, source.patient_id,
           source.doctor_id, doctor.department_id, COALESCE(source.facility_id, department.facility_id) AS facility_id,
           lower(source.during) AS start, {_LENGTH} AS minutes,
           extract(isodow FROM lower(source.during) AT TIME ZONE {{zone}})::int AS weekday,
           extract(hour FROM lower(source.during) AT TIME ZONE {{zone}})::int AS hour,
           (source.created_at AT TIME ZONE {{zone}})::date AS booked_on,
           greatest((lower(source.during) AT TIME ZONE {{zone}})::date - (source.created_at AT TIME ZONE {{zone}})::date, 0) AS lead_days,
           source.status, source.is_overbooked, source.status = 'no_show' AS is_no_show
      FROM scheduling_appointment source
      JOIN accounts_doctor doctor ON doctor.id = source.doctor_id
      JOIN accounts_department department ON department.id = doctor.department_id
     WHERE {{scope}}
"""
VISIT = f"""
    SELECT source.id AS source_id, source.public_id, (source.started_at AT TIME ZONE {{zone}})::date AS date, source.patient_id,
           source.doctor_id, doctor.department_id, COALESCE(appointment.facility_id, department.facility_id) AS facility_id,
           source.status, appointment.id IS NULL AS is_walk_in, {_WAIT} AS wait_minutes,
           {_CONSULTED} AS consult_minutes, COALESCE(billed.charge, 0) AS charge
      FROM patients_encounter source
      JOIN accounts_doctor doctor ON doctor.id = source.doctor_id
      JOIN accounts_department department ON department.id = doctor.department_id
      LEFT JOIN scheduling_appointment appointment ON appointment.encounter_id = source.id
      LEFT JOIN scheduling_token token ON token.encounter_id = source.id
      LEFT JOIN LATERAL (
          SELECT sum(line.total - line.credited) AS charge
            FROM billing_invoice invoice JOIN billing_invoiceline line ON line.invoice_id = invoice.id
           WHERE invoice.encounter_id = source.id AND invoice.state = 'issued' AND line.kind IN ('consultation', 'treatment')
      ) billed ON true
     WHERE {{scope}}
"""
DISPENSE = """
    SELECT source.id AS source_id, source.public_id, dispense.dispensed_on AS date, prescription.patient_id,
           prescription.prescriber_id AS doctor_id, doctor.department_id, department.facility_id, batch.medicine_id,
           source.quantity - source.returned_quantity AS quantity,
           round((source.quantity - source.returned_quantity) * batch.unit_cost, 2) AS value
      FROM pharmacy_dispenseline source
      JOIN pharmacy_dispense dispense ON dispense.id = source.dispense_id
      JOIN pharmacy_prescription prescription ON prescription.id = dispense.prescription_id
      JOIN pharmacy_batch batch ON batch.id = source.batch_id
      JOIN accounts_doctor doctor ON doctor.id = prescription.prescriber_id
      JOIN accounts_department department ON department.id = doctor.department_id
     WHERE {scope}
"""
_OF_VISIT = """
      JOIN billing_invoice invoice ON invoice.id = payment.invoice_id
      LEFT JOIN patients_encounter encounter ON encounter.id = invoice.encounter_id
      LEFT JOIN accounts_doctor doctor ON doctor.id = encounter.doctor_id
      LEFT JOIN accounts_department department ON department.id = doctor.department_id
"""
PAYMENT = f"""
    SELECT 'payment' AS kind, source.id AS source_id, source.public_id, (source.received_at AT TIME ZONE {{zone}})::date AS date,
           invoice.patient_id, doctor.id AS doctor_id, doctor.department_id, department.facility_id, source.method, source.amount
      FROM billing_payment source JOIN billing_payment payment ON payment.id = source.id {_OF_VISIT}
     WHERE {{scope}}
"""
REFUND = f"""
    SELECT 'refund' AS kind, source.id AS source_id, source.public_id, (source.refunded_at AT TIME ZONE {{zone}})::date AS date,
           invoice.patient_id, doctor.id AS doctor_id, doctor.department_id, department.facility_id, payment.method,
           - source.amount AS amount
      FROM billing_refund source JOIN billing_payment payment ON payment.id = source.payment_id {_OF_VISIT}
     WHERE {{scope}}
"""


@dataclass(frozen=True)
class Source:
    """One operational table and what is derived from it, row by row."""

    subject: Subject
    table: str
    derived: Derived
    key: str = "source_id"
    only: str = "true"

    def by_ids(self, ids: list[int]) -> Scope:
        return Scope(f"target.{self.key} = ANY(%(ids)s) AND {self.only}", "source.id = ANY(%(ids)s)", {"ids": ids})

    def by_range(self, low: int, high: int) -> Scope:
        """Keys in [low, high)."""
        params = {"low": low, "high": high}
        of_target = f"target.{self.key} >= %(low)s AND target.{self.key} < %(high)s AND {self.only}"
        return Scope(of_target, "source.id >= %(low)s AND source.id < %(high)s", params)


def _dimension(subject: Subject, table: str, model, sql: str) -> Source:
    return Source(subject, table, Derived(model, sql, keys=("id",)), key="id")


def _payments(subject: Subject, table: str, kind: PaymentKind, sql: str) -> Source:
    return Source(subject, table, Derived(FactPayment, sql, keys=("kind", "source_id")), only=f"target.kind = '{kind}'")


DIMENSIONS = (
    _dimension(Subject.DEPARTMENT, "accounts_department", DimDepartment, DEPARTMENT),
    _dimension(Subject.DOCTOR, "accounts_doctor", DimDoctor, DOCTOR),
    _dimension(Subject.PATIENT, "patients_patient", DimPatient, PATIENT),
    _dimension(Subject.MEDICINE, "pharmacy_medicine", DimMedicine, MEDICINE),
)
SUMMED = (
    Source(Subject.APPOINTMENT, "scheduling_appointment", Derived(FactAppointment, APPOINTMENT, keys=("source_id",), cell=CELL)),
    Source(Subject.VISIT, "patients_encounter", Derived(FactVisit, VISIT, keys=("source_id",), cell=CELL)),
)
PLAIN = (
    Source(Subject.DISPENSE, "pharmacy_dispenseline", Derived(FactDispense, DISPENSE, keys=("source_id",))),
    _payments(Subject.PAYMENT, "billing_payment", PaymentKind.PAYMENT, PAYMENT),
    _payments(Subject.REFUND, "billing_refund", PaymentKind.REFUND, REFUND),
)
FACTS = SUMMED + PLAIN
SOURCES = DIMENSIONS + FACTS
