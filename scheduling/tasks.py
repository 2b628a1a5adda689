from celery import shared_task
from django.utils import timezone

from scheduling.services import reminders, waitlist


@shared_task
def sweep_waitlist() -> None:
    """Expire offers and make new ones."""
    waitlist.sweep(timezone.now())


@shared_task
def send_reminders() -> None:
    """A bounded number at once; the next run goes on."""
    reminders.send_due(timezone.now())
