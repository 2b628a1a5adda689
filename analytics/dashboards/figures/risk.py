"""How likely patients are to stay away, and what such risks were worth before."""

from datetime import timedelta
from typing import Any

from django.db import connections
from django.urls import reverse
from django.utils import timezone

from analytics.dashboards.asked import Asked
from analytics.dashboards.definition import BARS, COUNT, NUMBER, PERCENT, WORDS, Column, Figure, Row
from analytics.rules import no_shows as rules
from analytics.rules.no_shows import Cell, Seen
from clinic.core.replica import reads
from patients.models import Patient

LEARNED_DAYS, TESTED_DAYS = 730, 90
SOON_DAYS, MOST_SHOWN = 7, 50
MOST_APPOINTMENTS = 200_000  # of a larger clinic every second, third, … patient is looked at

_NARROWED = """(%(doctor_id)s::bigint IS NULL OR doctor_id = %(doctor_id)s)
       AND (%(department_id)s::bigint IS NULL OR department_id = %(department_id)s)
       AND (%(facility_id)s::bigint IS NULL OR facility_id = %(facility_id)s)"""
# Each appointment that was kept or missed, with what its patient had done until then.
_CELLS = f"""
    WITH past AS (
        SELECT date, lead_days, is_no_show, doctor_id, department_id, facility_id,
               count(*) OVER before AS seen, count(*) FILTER (WHERE is_no_show) OVER before AS missed
          FROM fact_appointment
         WHERE status IN ('completed', 'no_show') AND date >= %(since)s AND date < %(today)s AND patient_id %% %(every)s = 0
        WINDOW before AS (PARTITION BY patient_id ORDER BY start, source_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
    SELECT date >= %(split)s, lead_days, least(missed, %(many)s), seen > 0, count(*), count(*) FILTER (WHERE is_no_show)
      FROM past
     WHERE {_NARROWED}
     GROUP BY 1, 2, 3, 4
"""
# What is booked for the next days with the risk of its cell. The past is counted for all of its patients at once.
_LIKELIEST = f"""
    WITH due AS (
        SELECT public_id, start, lead_days, patient_id, doctor_id
          FROM fact_appointment
         WHERE status = 'booked' AND date >= %(today)s AND date < %(end)s AND {_NARROWED}
    ),
    past AS (
        SELECT patient_id, least(count(*) FILTER (WHERE is_no_show), %(many)s) AS missed
          FROM fact_appointment
         WHERE patient_id IN (SELECT patient_id FROM due)
           AND status IN ('completed', 'no_show') AND date >= %(since)s AND date < %(today)s
         GROUP BY 1
    ),
    cell AS (SELECT * FROM unnest(%(leads)s::int[], %(formers)s::int[], %(risks)s::float8[]) cell (lead, former, risk)),
    likeliest AS (
        SELECT due.*, cell.*
          FROM due
          LEFT JOIN past USING (patient_id)
          JOIN cell ON cell.lead = (%(bands)s::int[])[width_bucket(due.lead_days, %(bands)s::int[])]
           AND cell.former = COALESCE(past.missed, %(first_time)s)
         ORDER BY cell.risk DESC, due.start, due.public_id
         LIMIT %(most)s
    )
    SELECT likeliest.public_id, start, lead_days, patient_id, dim_doctor.name, lead, former
      FROM likeliest JOIN dim_doctor ON dim_doctor.id = doctor_id
     ORDER BY risk DESC, start, likeliest.public_id
"""
_EVERY = "SELECT sum(completed + no_shows) FROM doctor_month WHERE month >= %(since)s"


def tables(asked: Asked) -> tuple[dict[Cell, Seen], dict[Cell, Seen]]:
    """What was seen until 90 days ago, and since."""
    params = _params(asked) | {"split": asked.today - timedelta(days=TESTED_DAYS)}
    earlier: dict[Cell, Seen] = {}
    later: dict[Cell, Seen] = {}
    with connections[reads()].cursor() as cursor:
        cursor.execute(_EVERY, params)
        params["every"] = (cursor.fetchone()[0] or 0) // MOST_APPOINTMENTS + 1
        cursor.execute(_CELLS, params)
        for is_later, lead_days, former, has_past, number, missed in cursor.fetchall():
            table = later if is_later else earlier
            cell = rules.cell_of(lead_days=lead_days, former=former, before=int(has_past))
            table[cell] = table.get(cell, Seen()) + Seen(number, missed)
    return earlier, later


def _params(asked: Asked) -> dict[str, Any]:
    narrowed = dict.fromkeys(("doctor_id", "department_id", "facility_id")) | asked.keys
    return narrowed | {"today": asked.today, "since": asked.today - timedelta(days=LEARNED_DAYS), "many": rules.MANY_FORMER}


def _back_test(asked: Asked) -> rules.BackTest | None:
    return rules.back_test(*asked.once(tables))


def everything(asked: Asked) -> dict[Cell, Seen]:
    """Both together."""
    earlier, later = asked.once(tables)
    return {cell: earlier.get(cell, Seen()) + later.get(cell, Seen()) for cell in sorted(earlier.keys() | later.keys())}


def _share(rate: float) -> float:
    return round(100 * rate, 1)


def _worth(asked: Asked) -> list[Row]:
    found = asked.once(_back_test)
    if found is None:
        return []
    return [
        Row({"method": "Risk by booking and by past", "score": round(found.score, 4), "verdict": "better" if found.helps else ""}),
        Row({"method": "The same risk for everyone", "score": round(found.base, 4), "verdict": "" if found.helps else "no worse"}),
    ]


def _calibration(asked: Asked) -> list[Row]:
    found = asked.once(_back_test)
    bands = found.bands if found else ()
    return [
        Row({"band": band.words, "number": band.appointments, "expected": _share(band.expected), "came": _share(band.came)})
        for band in bands
    ]


def _risks(asked: Asked) -> list[Row]:
    table = asked.once(everything)
    return [
        Row(
            {
                "cell": f"{cell.lead_words.capitalize()}, {cell.former_words}",
                "number": seen.appointments,
                "missed": seen.missed,
                "risk": _share(rules.risk(table, cell)),
            }
        )
        for cell, seen in table.items()
    ]


_TOO_FEW = f"Too few appointments were kept or missed: {rules.LEAST_TESTED} of the last {TESTED_DAYS} days are needed, and some before."
WORTH = Figure(
    "worth",
    "What the risk is worth",
    (
        Column("method", "Everybody gets", WORDS),
        Column("score", "Brier score", NUMBER),
        Column("verdict", "Verdict", WORDS),
    ),
    _worth,
    note=(
        f"The mean square of risk less outcome, 0 is best: learned on appointments until {TESTED_DAYS} days ago, measured on those since. "
        "Where the first is not lower than the second, do not act on the risk."
    ),
    empty=_TOO_FEW,
)
CALIBRATION = Figure(
    "calibration",
    "Expected and missed",
    (
        Column("band", "Risk", WORDS),
        Column("number", "Appointments", COUNT),
        Column("expected", "Expected, %", PERCENT, drawn=True),
        Column("came", "Missed, %", PERCENT, drawn=True),
    ),
    _calibration,
    chart=BARS,
    note=f"Of the last {TESTED_DAYS} days, by the risk that earlier appointments gave them.",
    empty=_TOO_FEW,
)
RISKS = Figure(
    "risks",
    "Risk by booking and by past",
    (
        Column("cell", "Booked ahead, missed before", WORDS),
        Column("number", "Appointments", COUNT),
        Column("missed", "Missed", COUNT),
        Column("risk", "Risk, %", PERCENT),
    ),
    _risks,
    note="Of two years. Where few were seen the risk is drawn towards that of all.",
    empty="No appointment was kept or missed in two years.",
)


def _soon(asked: Asked) -> list[Row]:
    """By MRN: the list says who may need a call, not why they come."""
    table = asked.once(everything)
    if not rules.overall(table).appointments:
        return []
    due = _likeliest(asked, table)
    mrns = dict(Patient.objects.filter(pk__in={patient for _, _, _, patient, *_ in due}).values_list("pk", "mrn"))
    return [
        Row(
            {
                "start": f"{timezone.localtime(start):%Y-%m-%d %H:%M}",
                "patient": mrns.get(patient, ""),
                "doctor": doctor,
                "lead": lead_days,
                "past": Cell(lead, former).former_words,
                "risk": _share(rules.risk(table, Cell(lead, former))),
            },
            to=reverse("scheduling:appointment", args=[public_id]),
        )
        for public_id, start, lead_days, patient, doctor, lead, former in due
    ]


def _likeliest(asked: Asked, table: rules.Table) -> list[tuple]:
    """(public_id, start, lead_days, patient, doctor's name, lead, former) of what is booked, the highest risk first."""
    cells = rules.all_cells()
    params = _params(asked) | {
        "end": asked.today + timedelta(days=SOON_DAYS),
        "most": MOST_SHOWN,
        "first_time": rules.FIRST_TIME,
        "bands": [start for start, _ in rules.LEAD_BANDS],
        "leads": [cell.lead for cell in cells],
        "formers": [cell.former for cell in cells],
        "risks": [rules.risk(table, cell) for cell in cells],
    }
    with connections[reads()].cursor() as cursor:
        cursor.execute(_LIKELIEST, params)
        return cursor.fetchall()


SOON = Figure(
    "soon",
    f"The next {SOON_DAYS} days, the likeliest to be missed first",
    (
        Column("start", "When", WORDS),
        Column("patient", "MRN", WORDS),
        Column("doctor", "Doctor", WORDS),
        Column("lead", "Days ahead", COUNT),
        Column("past", "Missed before", WORDS),
        Column("risk", "Risk, %", PERCENT),
    ),
    _soon,
    note=f"At most {MOST_SHOWN}.",
    empty="Nothing is booked, or nothing is known of earlier appointments.",
)
