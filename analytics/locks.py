"""Runs of the ETL come one after the other: each of its transactions holds this lock to its end.

Nothing else takes it, and a run locks operational rows never: it cannot stand in anybody's way. Who sends month
reports locks their mails, and nothing after them.
"""

from datetime import datetime

from django.db import connection
from django.db.models import Q

from analytics.models import MailStatus, MonthReportMail

_KEY = 7_306_001  # of PostgreSQL's advisory locks, known to nobody else


def lock_etl() -> None:
    """Wait until no other run is in a batch, at most for lock_timeout."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])


def lock_month_report_mails(now: datetime, limit: int) -> list[MonthReportMail]:
    """Those to be sent, and those whose run has died, the oldest first; what another run takes at this moment is passed over."""
    rows = MonthReportMail.objects.select_for_update(no_key=True, skip_locked=True)
    return list(rows.filter(Q(status=MailStatus.DUE) | Q(status=MailStatus.CLAIMED, leased_until__lte=now)).order_by("pk")[:limit])


def lock_month_report_mail(*, month, user) -> MonthReportMail:
    """The row of this month and person, made when it is first asked for."""
    MonthReportMail.objects.bulk_create([MonthReportMail(month=month, user=user, asked=0)], ignore_conflicts=True)
    return MonthReportMail.objects.select_for_update(no_key=True, of=("self",)).get(month=month, user=user)
