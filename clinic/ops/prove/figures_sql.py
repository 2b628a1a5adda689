"""What the figures must be, by SQL over the operational tables: written without a look at how they are derived.

In all of it {zone} is the clinic's.
"""

_DAY = "({moment} AT TIME ZONE '{{zone}}')::date"
_STARTS = _DAY.format(moment="lower(a.during)")
_BEGAN = _DAY.format(moment="e.started_at")
_AT = "coalesce(a.facility_id, p.facility_id)"
_PLACED = "JOIN accounts_doctor d ON d.id = {of}.doctor_id JOIN accounts_department p ON p.id = d.department_id"
_WAIT = "CASE WHEN t.called_at IS NOT NULL THEN greatest(0, floor(extract(epoch FROM t.called_at - t.issued_at) / 60)) END"
_LENGTH = "CASE WHEN e.signed_at IS NOT NULL THEN greatest(0, floor(extract(epoch FROM e.signed_at - e.started_at) / 60)) END"
_CHARGE = """coalesce((SELECT sum(l.total - l.credited) FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id
    WHERE i.encounter_id = e.id AND i.state = 'issued' AND l.kind IN ('consultation', 'treatment')), 0)"""

# {table of facts: (its columns, what they are, of what)}
FACTS = {
    "fact_appointment": (
        "source_id, public_id, patient_id, doctor_id, department_id, facility_id, date, start, minutes, weekday, hour, booked_on,"
        " lead_days, status, is_overbooked, is_no_show",
        f"""SELECT a.id, a.public_id, a.patient_id, a.doctor_id, p.id, {_AT}, {_STARTS}, lower(a.during),
                   extract(epoch FROM upper(a.during) - lower(a.during))::int / 60, extract(isodow FROM {_STARTS}),
                   extract(hour FROM lower(a.during) AT TIME ZONE '{{zone}}'), {_DAY.format(moment="a.created_at")},
                   greatest(0, {_STARTS} - {_DAY.format(moment="a.created_at")}), a.status, a.is_overbooked, a.status = 'no_show'
              FROM scheduling_appointment a {_PLACED.format(of="a")}""",
    ),
    "fact_visit": (
        "source_id, public_id, patient_id, doctor_id, department_id, facility_id, date, status, is_walk_in, wait_minutes, consult_minutes,"
        " charge",
        f"""SELECT e.id, e.public_id, e.patient_id, e.doctor_id, p.id, {_AT}, {_BEGAN}, e.status, a.id IS NULL,
                   {_WAIT}, {_LENGTH}, {_CHARGE}
              FROM patients_encounter e {_PLACED.format(of="e")} LEFT JOIN scheduling_appointment a ON a.encounter_id = e.id
              LEFT JOIN scheduling_token t ON t.encounter_id = e.id""",
    ),
    "fact_dispense": (
        "source_id, public_id, patient_id, doctor_id, department_id, facility_id, date, medicine_id, quantity, value",
        """SELECT l.id, l.public_id, x.patient_id, d.id, p.id, p.facility_id, g.dispensed_on, b.medicine_id,
                  l.quantity - l.returned_quantity, round(b.unit_cost * (l.quantity - l.returned_quantity), 2)
             FROM pharmacy_dispenseline l JOIN pharmacy_dispense g ON g.id = l.dispense_id
             JOIN pharmacy_prescription x ON x.id = g.prescription_id JOIN pharmacy_batch b ON b.id = l.batch_id
             JOIN accounts_doctor d ON d.id = x.prescriber_id JOIN accounts_department p ON p.id = d.department_id""",
    ),
    "fact_payment": (
        "kind, source_id, public_id, patient_id, doctor_id, department_id, facility_id, date, method, amount",
        f"""SELECT m.kind, m.id, m.public_id, i.patient_id, d.id, p.id, p.facility_id, {_DAY.format(moment="m.moment")}, m.method, m.amount
              FROM (SELECT 'payment' AS kind, id, public_id, invoice_id, received_at AS moment, method, amount FROM billing_payment
                     UNION ALL
                    SELECT 'refund', r.id, r.public_id, y.invoice_id, r.refunded_at, y.method, -r.amount
                      FROM billing_refund r JOIN billing_payment y ON y.id = r.payment_id) m
              JOIN billing_invoice i ON i.id = m.invoice_id LEFT JOIN patients_encounter e ON e.id = i.encounter_id
              LEFT JOIN accounts_doctor d ON d.id = e.doctor_id LEFT JOIN accounts_department p ON p.id = d.department_id""",
    ),
    "dim_patient": (
        "id, public_id, sex, birth_year, registered_on",
        "SELECT id, public_id, sex, extract(year FROM date_of_birth), registered_on FROM patients_patient",
    ),
    "dim_doctor": (
        "id, public_id, name, department_id, is_active",
        "SELECT d.id, d.public_id, 'Dr ' || u.first_name || ' ' || u.last_name, d.department_id, d.is_active"
        "  FROM accounts_doctor d JOIN accounts_user u ON u.id = d.user_id",
    ),
    "dim_medicine": ("id, public_id, name, unit", "SELECT id, public_id, name, unit FROM pharmacy_medicine"),
}

_MEASURES = {
    "appointments": "(a.status <> 'rescheduled')::int",
    "booked": "(a.status IN ('booked', 'checked_in', 'in_consultation'))::int",
    "completed": "(a.status = 'completed')::int",
    "cancelled": "(a.status = 'cancelled')::int",
    "no_shows": "(a.status = 'no_show')::int",
    "overbooked": "(a.is_overbooked AND a.status <> 'rescheduled')::int",
    "minutes": "CASE WHEN a.status NOT IN ('rescheduled', 'cancelled')"
    " THEN extract(epoch FROM upper(a.during) - lower(a.during))::int / 60 ELSE 0 END",
    "visits": "1",
    "walk_ins": "(a.id IS NULL)::int",
    "waits": "(t.called_at IS NOT NULL)::int",
    "wait_minutes": f"coalesce({_WAIT}, 0)",
    "consultations": "(e.signed_at IS NOT NULL)::int",
    "consult_minutes": f"coalesce({_LENGTH}, 0)",
    "charge": _CHARGE,
}
_BY_APPOINTMENT = list(_MEASURES)[:7]


def _counted(day: str, of_appointments: bool, source: str) -> str:
    measures = ", ".join(f"{sql if (name in _BY_APPOINTMENT) is of_appointments else 0} AS {name}" for name, sql in _MEASURES.items())
    return f"SELECT {day} AS date, d.id AS doctor_id, {_AT} AS facility_id, p.id AS department_id, {measures} FROM {source}"


_COUNTED = f"""
    {_counted(_STARTS, True, f"scheduling_appointment a {_PLACED.format(of='a')}")}
    UNION ALL
    {
    _counted(
        _BEGAN,
        False,
        f'''patients_encounter e {_PLACED.format(of='e')}
        LEFT JOIN scheduling_appointment a ON a.encounter_id = e.id LEFT JOIN scheduling_token t ON t.encounter_id = e.id
        WHERE e.status <> 'entered_in_error' ''',
    )
}
"""
_MONTH, _YEAR = "date_trunc('month', date)::date", "extract(year FROM date)::int"
_ALL = list(_MEASURES)
# {table or view: ({what names its rows: what it is of a day}, the measures that it has)}
_SUMS = {
    "doctor_day": ({"date": "date", "doctor_id": "doctor_id", "facility_id": "facility_id", "department_id": "department_id"}, _ALL),
    "doctor_month": ({"month": _MONTH, "doctor_id": "doctor_id", "facility_id": "facility_id", "department_id": "department_id"}, _ALL),
    "doctor_year": ({"year": _YEAR, "doctor_id": "doctor_id", "department_id": "department_id"}, _ALL),
    "department_month": ({"month": _MONTH, "department_id": "department_id"}, _ALL),
    "top_doctors": (
        {"year": _YEAR, "doctor_id": "doctor_id", "department_id": "department_id"},
        ["visits", "walk_ins", "completed", "charge"],
    ),
    "doctor_workload": (
        {"year": _YEAR, "doctor_id": "doctor_id", "department_id": "department_id"},
        [*_ALL[:8], "consultations", "consult_minutes"],
    ),
    "department_load": (
        {"month": _MONTH, "department_id": "department_id"},
        ["appointments", "completed", "cancelled", "no_shows", "visits", "walk_ins", "waits", "wait_minutes", "charge"],
    ),
    "monthly_visits": (
        {"month": _MONTH},
        ["appointments", "no_shows", "visits", "walk_ins", "consultations", "consult_minutes", "charge"],
    ),
}


def _of_sums(key: dict[str, str], measures: list[str]) -> tuple[str, str]:
    made, sums = ", ".join(key.values()), ", ".join(f"sum({name})" for name in measures)
    return ", ".join([*key, *measures]), f"SELECT {made}, {sums} FROM ({_COUNTED}) counted GROUP BY {made}"


SUMS = {table: _of_sums(*of) for table, of in _SUMS.items()}


def differing(table: str, zone: str) -> str:
    """SQL that counts the rows of a table of figures that are missing, too many, or otherwise than they must be."""
    columns, must_be = (FACTS | SUMS)[table]
    must_be, there = must_be.format(zone=zone), f"SELECT {columns} FROM {table}"
    return f"SELECT count(*) FROM (({must_be} EXCEPT ALL {there}) UNION ALL ({there} EXCEPT ALL {must_be})) differing"
