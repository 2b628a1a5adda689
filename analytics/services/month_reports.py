"""The month's report by mail: once to each who wants it, and again when asked for.

A mail is a row first. A run claims it and commits, then the mail is sent, then the row says so. A run that dies in
between leaves a claim whose lease ends, and the next run sends again: at least once, under one Message-ID.
"""

import logging
from datetime import date, datetime, time, timedelta
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from analytics import locks
from analytics.errors import MonthNotOver, NoAddress
from analytics.models import EtlState, MailStatus, MonthReportMail, MonthReportReader
from analytics.month_reports.paper import month_pdf
from analytics.permissions import VIEW_REPORTS
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.mail import UNSENT

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 5
MOST_AT_ONCE = 20


def former_month(day: date) -> date:
    """The first day of the month before this day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def is_complete(month: date) -> bool:
    """Whether all of the month is in the figures."""
    return EtlState.objects.filter(as_of__gte=_midnight(month_after(month))).exists()


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@transaction.atomic
def set_wanted(*, user, wanted: bool) -> None:
    """Whether the user gets each month's report from now on; saying it twice changes nothing. Raises NoAddress."""
    if wanted and not user.email:
        raise NoAddress
    if wanted:
        changed = MonthReportReader.objects.get_or_create(user=user)[1]
    else:
        changed = bool(MonthReportReader.objects.filter(user=user).delete()[0])
    if changed:
        record(action="analytics.month_report.wanted" if wanted else "analytics.month_report.unwanted", actor=user)


@atomic_with_retry
def send_again(*, user, month: date) -> MonthReportMail:
    """Have the month's report sent to the user once more, within a minute; while one is on its way nothing more is.

    Locks the mail. Raises NoAddress and MonthNotOver.
    """
    if not user.email:
        raise NoAddress
    if not is_complete(month):
        raise MonthNotOver
    mail = locks.lock_month_report_mail(month=month, user=user)
    if mail.status in {MailStatus.DUE, MailStatus.CLAIMED} and mail.asked:
        return mail
    mail.status, mail.attempts, mail.asked = MailStatus.DUE, 0, mail.asked + 1
    mail.save(update_fields=["status", "attempts", "asked"])
    record(action="analytics.month_report.asked", actor=user, subject=mail, changes={"month": month.isoformat()})
    return mail


@transaction.atomic
def ask_by_calendar(now: datetime) -> int:
    """Put down the mails of the former month for who wanted them when it ended; how many are new. Repeating it adds none."""
    month = former_month(timezone.localdate(now))
    if not is_complete(month):
        return 0
    readers = MonthReportReader.objects.filter(created_at__lt=_midnight(month_after(month)), user__is_active=True)
    there = MonthReportMail.objects.filter(month=month).values("user")
    new = [MonthReportMail(month=month, user_id=key) for key in readers.exclude(user__in=there).values_list("user", flat=True)]
    MonthReportMail.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def send_due(now: datetime) -> int:
    """Send what is to be sent; how many the mail server took."""
    return sum(_send(mail, now) for mail in claim_due(now))


@atomic_with_retry
def claim_due(now: datetime) -> list[MonthReportMail]:
    """Claim what is to be sent, and what another run left behind; two runs at once claim each row once."""
    claim = uuid4()
    for mail in locks.lock_month_report_mails(now, MOST_AT_ONCE):
        tried_out = mail.attempts >= MOST_ATTEMPTS
        mail.status = MailStatus.FAILED if tried_out else MailStatus.CLAIMED
        mail.claim, mail.leased_until, mail.attempts = claim, now + LEASE, mail.attempts + (not tried_out)
        mail.save(update_fields=["status", "claim", "leased_until", "attempts"])
    return list(MonthReportMail.objects.filter(claim=claim, status=MailStatus.CLAIMED).select_related("user").order_by("pk"))


def _send(mail: MonthReportMail, now: datetime) -> bool:
    """No transaction is open while the mail server is asked."""
    if not (mail.user.is_active and mail.user.email and mail.user.has_perm(VIEW_REPORTS)):
        _finish(mail, MailStatus.DROPPED, None)
        return False
    try:
        message_of(mail, now).send()
    except UNSENT:
        logger.warning("month report not sent, it is tried again", extra={"mail": str(mail.public_id)})
        return False
    return _finish(mail, MailStatus.SENT, now)


@transaction.atomic
def _finish(mail: MonthReportMail, status: MailStatus, at: datetime | None) -> bool:
    mine = MonthReportMail.objects.filter(pk=mail.pk, claim=mail.claim, status=MailStatus.CLAIMED)
    if not mine.update(status=status, **({"sent_at": at} if at else {})):
        return False
    record(action=f"analytics.month_report.{status}", actor=None, subject=mail, changes={"month": mail.month.isoformat()})
    return True


def message_of(mail: MonthReportMail, now: datetime) -> EmailMessage:
    """The report as PDF; the words of the mail hold no figure."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    message = EmailMessage(
        subject=f"{settings.CLINIC_NAME}: report of {mail.month:%B %Y}",
        body=render_to_string("analytics/mail/month_report.txt", {"month": mail.month, "clinic_name": settings.CLINIC_NAME}),
        to=[mail.user.email],
        headers={"Message-ID": f"<month-report-{mail.public_id}-{mail.asked}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach(f"report-{mail.month:%Y-%m}.pdf", month_pdf(mail.month, today=timezone.localdate(now)), "application/pdf")
    return message
