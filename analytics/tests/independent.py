"""What the figures must be, worked out by SQL over the operational tables, by nobody who knows the star schema."""

from django.conf import settings
from django.db import connection

_NARROWED = """
    AND (%(doctor)s::bigint IS NULL OR d.id = %(doctor)s) AND (%(department)s::bigint IS NULL OR p.id = %(department)s)
"""
_AT = "AND (%(facility)s::bigint IS NULL OR COALESCE(a.facility_id, p.facility_id) = %(facility)s)"
_HOME = "AND (%(facility)s::bigint IS NULL OR p.facility_id = %(facility)s)"
_DOCTOR = """
    JOIN accounts_doctor d ON d.id = {of} JOIN accounts_user u ON u.id = d.user_id JOIN accounts_department p ON p.id = d.department_id
"""
NAME = "'Dr ' || u.first_name || ' ' || u.last_name"

WITH = f"""
    WITH appointment AS (
        SELECT (lower(a.during) AT TIME ZONE %(zone)s)::date AS day, lower(a.during) AT TIME ZONE %(zone)s AS clock, a.status,
               greatest((lower(a.during) AT TIME ZONE %(zone)s)::date - (a.created_at AT TIME ZONE %(zone)s)::date, 0) AS lead,
               d.id AS doctor_id, {NAME} AS doctor, p.name AS department, a.patient_id
          FROM scheduling_appointment a {_DOCTOR.format(of="a.doctor_id")}
         WHERE a.status <> 'rescheduled' {_NARROWED} {_AT}
           AND (lower(a.during) AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s
    ), visit AS (
        SELECT (e.started_at AT TIME ZONE %(zone)s)::date AS day, e.signed_at IS NOT NULL AS signed, a.id IS NULL AS walk_in,
               floor(extract(epoch FROM e.signed_at - e.started_at) / 60) AS minutes,
               (SELECT floor(extract(epoch FROM t.called_at - t.issued_at) / 60) FROM scheduling_token t
                 WHERE t.encounter_id = e.id AND t.called_at IS NOT NULL) AS wait,
               COALESCE((SELECT sum(l.total - l.credited) FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id
                 WHERE i.encounter_id = e.id AND i.state = 'issued' AND l.kind IN ('consultation', 'treatment')), 0) AS charge,
               d.id AS doctor_id, {NAME} AS doctor, p.name AS department
          FROM patients_encounter e {_DOCTOR.format(of="e.doctor_id")} LEFT JOIN scheduling_appointment a ON a.encounter_id = e.id
         WHERE e.status <> 'entered_in_error' {_NARROWED} {_AT}
           AND (e.started_at AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s
    ), money AS (
        SELECT * FROM (
            SELECT (y.received_at AT TIME ZONE %(zone)s)::date AS day, y.method, y.amount AS came, 0 AS went, i.encounter_id
              FROM billing_payment y JOIN billing_invoice i ON i.id = y.invoice_id
            UNION ALL
            SELECT (r.refunded_at AT TIME ZONE %(zone)s)::date, y.method, 0, r.amount, i.encounter_id FROM billing_refund r
              JOIN billing_payment y ON y.id = r.payment_id JOIN billing_invoice i ON i.id = y.invoice_id
        ) moved LEFT JOIN (
            SELECT e.id, d.id AS doctor_id, {NAME} AS doctor, p.id AS department_id, p.name AS department, p.facility_id
              FROM patients_encounter e {_DOCTOR.format(of="e.doctor_id")}
        ) of ON of.id = moved.encounter_id
         WHERE day BETWEEN %(first)s AND %(last)s AND (%(doctor)s::bigint IS NULL OR doctor_id = %(doctor)s)
           AND (%(department)s::bigint IS NULL OR department_id = %(department)s)
           AND (%(facility)s::bigint IS NULL OR facility_id = %(facility)s)
    ), given AS (
        SELECT g.dispensed_on AS day, m.name AS medicine, l.quantity - l.returned_quantity AS units,
               round((l.quantity - l.returned_quantity) * b.unit_cost, 2) AS cost
          FROM pharmacy_dispenseline l JOIN pharmacy_dispense g ON g.id = l.dispense_id JOIN pharmacy_batch b ON b.id = l.batch_id
          JOIN pharmacy_medicine m ON m.id = b.medicine_id JOIN pharmacy_prescription x ON x.id = g.prescription_id
          {_DOCTOR.format(of="x.prescriber_id")}
         WHERE g.dispensed_on BETWEEN %(first)s AND %(last)s {_NARROWED} {_HOME}
    )
"""
_BAND = "CASE WHEN lead >= 15 THEN 15 WHEN lead >= 8 THEN 8 WHEN lead >= 3 THEN 3 WHEN lead >= 1 THEN 1 ELSE 0 END"
_MISSED_OF = """
    100.0 * count(*) FILTER (WHERE status = 'no_show') / nullif(count(*) FILTER (WHERE status IN ('completed', 'no_show')), 0)
"""
_DECIDED = f"""
    count(*), count(*) FILTER (WHERE status = 'no_show'), {_MISSED_OF} FROM appointment WHERE status IN ('completed', 'no_show')
"""
_WAITED = """
    count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY wait), percentile_cont(0.9) WITHIN GROUP (ORDER BY wait), max(wait)::int
      FROM visit WHERE wait IS NOT NULL
"""
_MONEY = "sum(came), sum(went), sum(came) - sum(went) FROM money"

# (dashboard, figure) -> columns of the figure, and the same by SQL; order does not matter. What is rounded to one
# decimal on the page has a ~, and stands behind what is not.
FIGURES = {
    ("overview", "monthly-visits"): (
        ("period", "visits", "walk_ins", "charge"),
        "SELECT {period}, count(*), count(*) FILTER (WHERE walk_in), sum(charge) FROM visit GROUP BY 1",
    ),
    ("overview", "top-doctors"): (
        ("doctor", "department", "visits", "completed", "charge"),
        """SELECT doctor, department, count(*),
                  (SELECT count(*) FROM appointment o WHERE o.doctor_id = v.doctor_id AND status = 'completed'), sum(charge)
             FROM visit v GROUP BY doctor_id, doctor, department
            ORDER BY 3 DESC, doctor, (SELECT public_id FROM accounts_doctor WHERE id = doctor_id) LIMIT 10""",
    ),
    ("overview", "department-load"): (
        ("department", "appointments", "visits", "walk_ins", "charge", "~missed"),
        f"""SELECT department, COALESCE(n, 0), COALESCE(v, 0), COALESCE(w, 0), COALESCE(c, 0), missed
             FROM (SELECT department, count(*) AS n, {_MISSED_OF} AS missed FROM appointment GROUP BY 1) booked FULL JOIN
                  (SELECT department, count(*) AS v, count(*) FILTER (WHERE walk_in) AS w, sum(charge) AS c FROM visit GROUP BY 1) seen
            USING (department)""",
    ),
    ("overview", "doctor-workload"): (
        ("doctor", "appointments", "completed", "booked", "cancelled", "no_shows", "visits", "~consult"),
        """SELECT doctor, COALESCE(n, 0), COALESCE(k, 0), COALESCE(b, 0), COALESCE(c, 0), COALESCE(m, 0), COALESCE(v, 0), took FROM (
             SELECT doctor_id, doctor, count(*) AS n, count(*) FILTER (WHERE status = 'completed') AS k,
                    count(*) FILTER (WHERE status IN ('booked', 'checked_in', 'in_consultation')) AS b,
                    count(*) FILTER (WHERE status = 'cancelled') AS c, count(*) FILTER (WHERE status = 'no_show') AS m
               FROM appointment GROUP BY 1, 2) booked FULL JOIN (
             SELECT doctor_id, doctor, count(*) AS v, avg(minutes) AS took FROM visit GROUP BY 1, 2) seen USING (doctor_id, doctor)""",
    ),
    ("own", "outcomes"): (("status", "number"), "SELECT status, count(*) FROM appointment GROUP BY 1"),
    ("revenue", "by-time"): (("period", "received", "back", "net"), f"SELECT {{period}}, {_MONEY} GROUP BY 1"),
    ("revenue", "by-way"): (("method", "received", "back", "net"), f"SELECT method, {_MONEY} GROUP BY 1"),
    ("revenue", "by-department"): (("department__name", "received", "back", "net"), f"SELECT department, {_MONEY} GROUP BY 1"),
    ("revenue", "by-doctor"): (("doctor__name", "received", "back", "net"), f"SELECT max(doctor), {_MONEY} GROUP BY doctor_id"),
    ("waits", "by-time"): (("period", "called", "median", "most", "longest"), f"SELECT {{period}}, {_WAITED} GROUP BY 1"),
    ("waits", "by-weekday"): (
        ("weekday", "called", "median", "most", "longest"),
        f"SELECT to_char(day, 'FMDay'), {_WAITED} GROUP BY 1",
    ),
    ("waits", "by-department"): (("department", "called", "median", "most", "longest"), f"SELECT department, {_WAITED} GROUP BY 1"),
    ("waits", "by-doctor"): (("doctor", "called", "median", "most", "longest"), f"SELECT max(doctor), {_WAITED} GROUP BY doctor_id"),
    ("no-shows", "by-time"): (("period", "due", "missed", "~share"), f"SELECT {{period}}, {_DECIDED} GROUP BY 1"),
    ("no-shows", "by-weekday"): (("weekday", "due", "missed", "~share"), f"SELECT to_char(clock, 'FMDay'), {_DECIDED} GROUP BY 1"),
    ("no-shows", "by-hour"): (("hour", "due", "missed", "~share"), f"SELECT to_char(clock, 'HH24:00'), {_DECIDED} GROUP BY 1"),
    ("no-shows", "by-lead"): (
        ("lead", "due", "missed", "~share"),
        f"""SELECT CASE {_BAND} WHEN 0 THEN 'Same day' WHEN 1 THEN '1-2 days' WHEN 3 THEN '3-7 days' WHEN 8 THEN '8-14 days'
            ELSE '15 days or more' END, {_DECIDED} GROUP BY 1""",
    ),
    ("no-shows", "by-doctor"): (("doctor", "due", "missed", "~share"), f"SELECT max(doctor), {_DECIDED} GROUP BY doctor_id"),
    ("stock", "given"): (("medicine", "units", "cost"), "SELECT medicine, sum(units), sum(cost) FROM given GROUP BY 1"),
    ("stock", "given-by-time"): (("period", "units", "cost"), "SELECT {period}, sum(units), sum(cost) FROM given GROUP BY 1"),
    ("stock", "value"): (
        ("medicine", "units", "value", "unusable"),
        """SELECT m.name, sum(b.on_hand), round(sum(b.on_hand * b.unit_cost), 2),
                  round(COALESCE(sum(b.on_hand * b.unit_cost) FILTER (WHERE b.state <> 'available' OR b.expires_on <= %(today)s), 0), 2)
             FROM pharmacy_batch b JOIN pharmacy_medicine m ON m.id = b.medicine_id WHERE b.on_hand > 0 GROUP BY m.id""",
    ),
    ("stock", "expiring"): (
        ("month", "units", "value"),
        """SELECT to_char(expires_on, 'YYYY-MM'), sum(on_hand), round(sum(on_hand * unit_cost), 2) FROM pharmacy_batch
            WHERE on_hand > 0 AND state = 'available' AND expires_on > %(today)s GROUP BY 1 ORDER BY 1 LIMIT 24""",
    ),
}

# (dashboard, number of its heading) -> the same by SQL.
STATS = {
    ("overview", 0): "SELECT count(*) FROM visit",
    ("overview", 1): "SELECT count(*) FROM appointment",
    ("overview", 2): f"SELECT {_MISSED_OF} FROM appointment",
    ("overview", 3): "SELECT COALESCE(sum(charge), 0) FROM visit",
    ("own", 0): "SELECT count(*) FROM visit",
    ("own", 1): "SELECT count(*) FROM visit WHERE walk_in",
    ("own", 2): f"SELECT {_MISSED_OF} FROM appointment",
    ("own", 3): "SELECT COALESCE(sum(charge), 0) FROM visit",
    ("revenue", 0): "SELECT COALESCE(sum(came), 0) FROM money",
    ("revenue", 1): "SELECT COALESCE(sum(went), 0) FROM money",
    ("revenue", 2): "SELECT COALESCE(sum(came) - sum(went), 0) FROM money",
    ("waits", 0): "SELECT count(wait) FROM visit",
    ("waits", 1): "SELECT max(wait) FROM visit",
    ("no-shows", 0): "SELECT count(*) FROM appointment WHERE status IN ('completed', 'no_show')",
    ("no-shows", 1): "SELECT count(*) FROM appointment WHERE status = 'no_show'",
    ("no-shows", 2): f"SELECT {_MISSED_OF} FROM appointment",
    (
        "stock",
        0,
    ): """
        SELECT COALESCE(sum(v), 0) FROM (SELECT round(sum(on_hand * unit_cost), 2) AS v FROM pharmacy_batch GROUP BY medicine_id) x""",
    ("stock", 1): """
        SELECT COALESCE(sum(v), 0) FROM (SELECT round(sum(on_hand * unit_cost), 2) AS v FROM pharmacy_batch
         WHERE state <> 'available' OR expires_on <= %(today)s GROUP BY medicine_id) x""",
    ("stock", 2): "SELECT COALESCE(sum(cost), 0) FROM given",
}


def by_sql(sql: str, asked) -> list[tuple]:
    """The figure's rows by the operational tables."""
    period = "day" if asked.by_day else "date_trunc('month', day)::date"
    params = {"zone": settings.TIME_ZONE, "first": asked.date_from, "last": asked.date_to, "today": asked.today}
    params |= {name: row and row.pk for name in ("doctor", "department", "facility") for row in [getattr(asked, name)]}
    with connection.cursor() as cursor:
        cursor.execute(WITH + sql.format(period=period), params)
        return cursor.fetchall()
