"""What is to come, and what patients complained of, worked out a second time: by SQL over the operational tables."""

from datetime import timedelta

from django.conf import settings
from django.db import connection

from analytics.tests.independent import WITH

# Of each evening and each of the 14 days after it: what came, and what each method would have said.
_GUESSES = """
    , span AS (
        SELECT g.day::date AS day, (SELECT count(*) FROM visit v WHERE v.day = g.day::date) AS n
          FROM generate_series((SELECT min(day) FROM visit)::timestamp, %(last)s::timestamp, interval '1 day') g(day)
    ), evening AS (
        SELECT 'measured' AS kind, %(last)s::date - 14 - 7 * back AS evening FROM generate_series(0, 3) back
        UNION ALL SELECT 'chosen', %(last)s::date - 14 - 7 * back FROM generate_series(5, 8) back
        UNION ALL SELECT 'to come', %(last)s::date
    )
    SELECT e.kind, e.evening + ahead AS day, (SELECT n FROM span WHERE span.day = e.evening + ahead), guess.*
      FROM evening e CROSS JOIN generate_series(1, 14) ahead CROSS JOIN LATERAL (
           SELECT (array_agg(n ORDER BY day DESC))[1] AS naive, avg(n) AS mean, percentile_cont(0.5) WITHIN GROUP (ORDER BY n) AS median
             FROM (SELECT n, day FROM span WHERE day <= e.evening AND (e.evening + ahead - day) %% 7 = 0 ORDER BY day DESC LIMIT 8) seen
      ) guess ORDER BY 1, 2
"""
_CELLS = """
    WITH known AS (
        SELECT a.id, a.patient_id, lower(a.during) AS at, (a.status = 'no_show')::int AS missed, d.id AS doctor, p.id AS department,
               COALESCE(a.facility_id, p.facility_id) AS facility, (lower(a.during) AT TIME ZONE %(zone)s)::date AS day,
               (lower(a.during) AT TIME ZONE %(zone)s)::date - (a.created_at AT TIME ZONE %(zone)s)::date AS lead
          FROM scheduling_appointment a JOIN accounts_doctor d ON d.id = a.doctor_id JOIN accounts_department p ON p.id = d.department_id
         WHERE a.status IN ('completed', 'no_show')
           AND (lower(a.during) AT TIME ZONE %(zone)s)::date BETWEEN %(today)s::date - 730 AND %(today)s::date - 1
    ), past AS (
        SELECT k.id, count(o.id) AS seen, sum(o.missed) AS missed
          FROM known k LEFT JOIN known o ON o.patient_id = k.patient_id AND (o.at, o.id) < (k.at, k.id) GROUP BY k.id
    ), cell AS (
        SELECT k.*, k.day >= %(today)s::date - 90 AS is_later,
               CASE WHEN lead >= 15 THEN '15 days or more' WHEN lead >= 8 THEN '8-14 days' WHEN lead >= 3 THEN '3-7 days'
                    WHEN lead >= 1 THEN '1-2 days' ELSE 'Same day' END || ', ' ||
               CASE WHEN past.seen = 0 THEN 'first appointment' WHEN past.missed = 0 THEN 'none' WHEN past.missed = 1 THEN 'one'
                    ELSE 'two or more' END AS cell
          FROM known k JOIN past ON past.id = k.id
         WHERE (%(doctor)s::bigint IS NULL OR k.doctor = %(doctor)s) AND (%(department)s::bigint IS NULL OR k.department = %(department)s)
           AND (%(facility)s::bigint IS NULL OR k.facility = %(facility)s)
    )
"""
_RISKS = """
    SELECT cell, count(*), sum(missed), 100 * (sum(missed) + 20 * max(rate)) / (count(*) + 20)
      FROM cell, (SELECT avg(missed) AS rate FROM cell) everyone GROUP BY 1 ORDER BY 1
"""
_TESTED = """
    , everyone AS (SELECT avg(missed) AS rate FROM cell WHERE NOT is_later),
    learned AS (
        SELECT cell, (sum(missed) + 20 * max(rate)) / (count(*) + 20) AS risk FROM cell, everyone WHERE NOT is_later GROUP BY 1
    ), tested AS (
        SELECT later.missed, rate, COALESCE(risk, rate) AS risk
          FROM cell later CROSS JOIN everyone LEFT JOIN learned ON learned.cell = later.cell WHERE is_later
    )
"""
_SCORES = "SELECT avg((missed - risk) ^ 2), avg((missed - rate) ^ 2) FROM tested"
_BANDS = """
    SELECT CASE WHEN risk >= 0.3 THEN '30 %% or more' WHEN risk >= 0.2 THEN '20-30 %%' WHEN risk >= 0.1 THEN '10-20 %%'
                WHEN risk >= 0.05 THEN '5-10 %%' ELSE 'under 5 %%' END, count(*), 100 * avg(risk), 100 * avg(missed)
      FROM tested GROUP BY 1 ORDER BY min(risk)
"""
_DUE = """
    , everyone AS (SELECT avg(missed) AS rate FROM cell),
    due AS (
        SELECT a.public_id, p.mrn, lower(a.during) AS at, a.patient_id,
               (lower(a.during) AT TIME ZONE %(zone)s)::date - (a.created_at AT TIME ZONE %(zone)s)::date AS lead
          FROM scheduling_appointment a JOIN patients_patient p ON p.id = a.patient_id JOIN accounts_doctor d ON d.id = a.doctor_id
          JOIN accounts_department q ON q.id = d.department_id
         WHERE a.status = 'booked'
           AND (lower(a.during) AT TIME ZONE %(zone)s)::date BETWEEN %(today)s::date AND %(today)s::date + 6
           AND (%(doctor)s::bigint IS NULL OR d.id = %(doctor)s) AND (%(department)s::bigint IS NULL OR q.id = %(department)s)
           AND (%(facility)s::bigint IS NULL OR COALESCE(a.facility_id, q.facility_id) = %(facility)s)
    ), counted AS (
        SELECT due.*, count(k.id) AS seen, sum(k.missed) AS missed
          FROM due LEFT JOIN known k ON k.patient_id = due.patient_id GROUP BY 1, 2, 3, 4, 5
    ), named AS (
        SELECT counted.*, CASE WHEN seen = 0 THEN 'first appointment' WHEN missed = 0 THEN 'none' WHEN missed = 1 THEN 'one'
                               ELSE 'two or more' END AS past,
               CASE WHEN lead >= 15 THEN '15 days or more' WHEN lead >= 8 THEN '8-14 days' WHEN lead >= 3 THEN '3-7 days'
                    WHEN lead >= 1 THEN '1-2 days' ELSE 'Same day' END AS ahead
          FROM counted
    ), rated AS (SELECT cell, count(*) AS n, sum(missed) AS missed FROM cell GROUP BY 1)
    SELECT mrn, to_char(at AT TIME ZONE %(zone)s, 'YYYY-MM-DD HH24:MI'), greatest(lead, 0), past,
           100 * (COALESCE(rated.missed, 0) + 20 * rate) / (COALESCE(n, 0) + 20) AS risk
      FROM named CROSS JOIN everyone LEFT JOIN rated ON rated.cell = ahead || ', ' || past
     ORDER BY risk DESC, at, public_id
"""
_SYMPTOMS = """
    SELECT symptom, count(DISTINCT thread) FROM (
        SELECT n.thread, lower(jsonb_array_elements_text(n.body->'observations'->'symptoms')) AS symptom
          FROM patients_clinicalnote n JOIN accounts_doctor d ON d.user_id = n.author_id
          JOIN accounts_department p ON p.id = d.department_id
         WHERE (n.written_at AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s
           AND NOT EXISTS (SELECT FROM patients_clinicalnote o WHERE o.thread = n.thread AND o.number > n.number)
           AND (%(doctor)s::bigint IS NULL OR d.id = %(doctor)s) AND (%(department)s::bigint IS NULL OR p.id = %(department)s)
           AND (%(facility)s::bigint IS NULL OR p.facility_id = %(facility)s)
    ) noted GROUP BY 1 ORDER BY 2 DESC, 1
"""


def _ask(sql: str, asked) -> list[tuple]:
    params = {"zone": settings.TIME_ZONE, "first": asked.date_from, "last": asked.date_to, "today": asked.today}
    params |= {name: row and row.pk for name in ("doctor", "department", "facility") for row in [getattr(asked, name)]}
    with connection.cursor() as cursor:
        cursor.execute("SET enable_nestloop = off")  # thousands meet thousands, and the planner expects a few
        cursor.execute(sql, params)
        rows = cursor.fetchall()
        cursor.execute("RESET enable_nestloop")
        return rows


def expected_visits(asked) -> tuple[list[float], list[tuple]]:
    """(the mean absolute error of naive, mean and median; (day, least, expected, most) of each day to come)."""
    until_yesterday = asked.during(asked.today - timedelta(days=400), asked.today - timedelta(days=1))
    guesses = _ask(WITH + _GUESSES, until_yesterday)
    misses = {
        kind: [[abs(float(row[3 + method]) - row[2]) for row in guesses if row[0] == kind] for method in range(3)]
        for kind in ("chosen", "measured")
    }
    means = {kind: [sum(each) / len(each) for each in of] for kind, of in misses.items()}
    method = means["chosen"].index(min(means["chosen"]))
    margin = sorted(misses["measured"][method])[44]  # of 56, 8 of 10 are not above it
    days = [(row[1], float(row[3 + method])) for row in guesses if row[0] == "to come"]
    return means["measured"], [(day, max(visits - margin, 0), visits, visits + margin) for day, visits in days]


def risks(asked) -> list[tuple]:
    """(cell, appointments, missed, risk in percent)."""
    return _ask(_CELLS + _RISKS, asked)


def scores(asked) -> list[float]:
    """Brier scores of the risks, and of the rate of all."""
    return [float(score) for score in _ask(_CELLS + _TESTED + _SCORES, asked)[0]]


def bands(asked) -> list[tuple]:
    """(band of risk, appointments, expected and missed in percent)."""
    return _ask(_CELLS + _TESTED + _BANDS, asked)


def due_soon(asked) -> list[tuple]:
    """(MRN, start, days ahead, what was missed before, risk in percent) of what is booked in the next seven days."""
    return _ask(_CELLS + _DUE, asked)


def symptoms(asked) -> list[tuple]:
    """From the bodies that PostgreSQL keeps for a day."""
    return _ask(_SYMPTOMS, asked)
