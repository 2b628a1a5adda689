"""Chart reads that someone should look at. What is unusual is not yet wrong: a manager reviews it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import connection
from django.utils import timezone

from clinic.audit.models import OutboxEvent

MANY_CHARTS = 40  # of different patients, read by one person within one hour of the clock
DAY_BEGINS, DAY_ENDS = 6, 22  # hours of the clinic's wall clock; reads outside are after hours
REVIEWED = "audit.anomaly.reviewed"
KINDS = {
    "many_charts": "Many charts in an hour",
    "family_name": "Own family name",
    "after_hours": "After hours",
    "break_glass": "Break-glass without appointment or visit",
}

# Each gives (kind, user, their name, patient's id, MRN, first time, number of reads).
_READS = """
    FROM audit_outboxevent e JOIN accounts_user u ON u.id = e.actor_id
    WHERE e.topic = 'audit_logs' AND e.action = 'patients.chart.read' AND e.occurred_at >= %(since)s
      AND e.document #>> '{user,role}' <> 'PATIENT'
"""
_SQL = f"""
    SELECT 'many_charts', u.username, u.first_name || ' ' || u.last_name, NULL::uuid, '', min(e.occurred_at), count(DISTINCT e.patient_id)
    {_READS} GROUP BY u.id, date_trunc('hour', e.occurred_at AT TIME ZONE %(zone)s) HAVING count(DISTINCT e.patient_id) >= %(many)s
  UNION ALL
    SELECT 'family_name', username, who, patient_id, mrn, min(at), count(*) FROM (
      SELECT u.id, u.username, u.last_name, u.first_name || ' ' || u.last_name AS who, e.patient_id, e.occurred_at AS at {_READS}
    ) reads JOIN patients_patient p ON p.public_id = reads.patient_id AND p.user_id IS DISTINCT FROM reads.id
      AND reads.last_name <> '' AND lower(unaccent(p.last_name)) = lower(unaccent(reads.last_name))
    GROUP BY reads.id, username, who, reads.patient_id, mrn, (at AT TIME ZONE %(zone)s)::date
  UNION ALL
    SELECT 'after_hours', u.username, u.first_name || ' ' || u.last_name, NULL::uuid, '', min(e.occurred_at), count(*)
    {_READS} AND extract(hour FROM e.occurred_at AT TIME ZONE %(zone)s) NOT BETWEEN %(begins)s AND %(ends)s - 1
    GROUP BY u.id, (e.occurred_at AT TIME ZONE %(zone)s)::date
  UNION ALL
    SELECT 'break_glass', u.username, u.first_name || ' ' || u.last_name, p.public_id, p.mrn, b.granted_at, 1
    FROM patients_breakglass b JOIN accounts_user u ON u.id = b.user_id JOIN patients_patient p ON p.id = b.patient_id
    WHERE b.granted_at >= %(since)s
      AND NOT EXISTS (SELECT FROM scheduling_appointment a WHERE a.patient_id = p.id AND a.status NOT IN ('cancelled', 'rescheduled')
        AND a.during && tstzrange(b.granted_at - interval '1 day', b.granted_at + interval '1 day'))
      AND NOT EXISTS (SELECT FROM patients_encounter v WHERE v.patient_id = p.id
        AND v.started_at BETWEEN b.granted_at - interval '1 day' AND b.granted_at + interval '1 day')
    ORDER BY 6 DESC, 1, 2 LIMIT %(most)s
"""
MOST = 200


@dataclass
class Anomaly:
    kind: str
    username: str
    who: str
    patient_id: str | None
    mrn: str
    at: datetime
    number: int
    reviewed_by: str = ""
    reviewed_at: datetime | None = None

    @property
    def label(self) -> str:
        return KINDS[self.kind]

    @property
    def key(self) -> str:
        """The same for the same person, kind, patient and first read, however often it is computed."""
        facts = f"{self.kind} {self.username} {self.patient_id} {self.at.timestamp():.6f}"
        return hashlib.sha256(facts.encode()).hexdigest()[:32]


def anomalies_since(day: date) -> list[Anomaly]:
    """The newest 200 from that day's midnight on, with who reviewed each: 2 queries.

    Whole days: of an hour or a night that is cut, another read would be the first, and its review would not be found.
    """
    since = timezone.make_aware(datetime.combine(day, time.min))
    asked = {
        "since": since, "zone": timezone.get_current_timezone_name(), "many": MANY_CHARTS, "begins": DAY_BEGINS, "ends": DAY_ENDS,
        "most": MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SQL, asked)
        found = [Anomaly(kind, username, who, patient and str(patient), *rest) for kind, username, who, patient, *rest in cursor.fetchall()]
    reviews = OutboxEvent.objects.filter(action=REVIEWED, occurred_at__gte=since).select_related("actor").order_by("id")
    done = {review.document["changes"]["anomaly"]: review for review in reviews}
    for anomaly in found:
        if review := done.get(anomaly.key):
            anomaly.reviewed_by, anomaly.reviewed_at = str(review.actor), review.occurred_at
    return found
