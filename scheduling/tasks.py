import logging

from celery import shared_task
from django.utils import timezone

from clinic.core.redis import RedisDown
from scheduling.services import projection, reminders, waitlist

logger = logging.getLogger(__name__)


@shared_task
def heal_projection() -> None:
    """Bring Redis' picture of today's queues back to PostgreSQL's rows, where it differs."""
    try:
        projection.heal(timezone.localdate())
    except RedisDown:
        logger.info("live queue not healed, redis is down")


@shared_task
def sweep_waitlist() -> None:
    """Expire offers and make new ones."""
    waitlist.sweep(timezone.now())


@shared_task
def send_reminders() -> None:
    """A bounded number at once; the next run goes on."""
    reminders.send_due(timezone.now())
