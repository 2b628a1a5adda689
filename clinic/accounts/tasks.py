from celery import shared_task
from django.utils import timezone

from clinic.accounts.services import idling, mailed_links, mailing, sign_in


@shared_task
def forget_old_attempts() -> None:
    sign_in.forget_old_attempts()


@shared_task
def end_idle_sessions() -> None:
    """A bounded number at once; the next run goes on."""
    idling.end_idle_sessions()


@shared_task
def send_links() -> None:
    """A bounded number at once; the next run goes on."""
    mailing.send_links(timezone.now())


@shared_task
def forget_old_links() -> None:
    mailed_links.forget_old_links(timezone.now())
