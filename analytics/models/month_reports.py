"""Who gets the month's report by mail, and what became of each mail."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic.core.models import BaseModel


class MonthReportReader(BaseModel):
    """Somebody who wants each month's report by mail."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who wants it.")


class MailStatus(models.TextChoices):
    DUE = "due", "To be sent"
    CLAIMED = "claimed", "Being sent"
    SENT = "sent", "Sent"
    DROPPED = "dropped", "Not sent: no address, or no leave to see it"
    FAILED = "failed", "Given up"


class MonthReportMail(BaseModel):
    """The mail of one month's report to one person: one row, also when it is sent again."""

    month = models.DateField(help_text="The first day of the month that it reports.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who gets it.")
    status = models.CharField(max_length=8, choices=MailStatus, default=MailStatus.DUE, help_text="How far it got.")
    claim = models.UUIDField(null=True, help_text="Of the run that sends it; a run that lost its claim writes nothing.")
    leased_until = models.DateTimeField(null=True, help_text="From then on another run may try, should this one have died.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was tried since it was asked for.")
    asked = models.PositiveSmallIntegerField(default=1, help_text="How often it was asked for: once by the calendar, then by hand.")
    sent_at = models.DateTimeField(null=True, help_text="When the mail server took the last one.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["month", "user"], name="month_report_mail_once"),
            models.CheckConstraint(name="month_report_mail_of_a_month", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="month_report_mail_claimed_with_lease",
                condition=Q(status=MailStatus.CLAIMED, claim__isnull=False, leased_until__isnull=False) | ~Q(status=MailStatus.CLAIMED),
            ),
            models.CheckConstraint(
                name="month_report_mail_sent_with_time",
                condition=Q(status=MailStatus.SENT, sent_at__isnull=False) | ~Q(status=MailStatus.SENT),
            ),
        ]
        indexes = [models.Index(fields=["id"], name="month_report_mail_open", condition=Q(status__in=["due", "claimed"]))]
