import logging

from celery import shared_task
from django.utils import timezone

from analytics.etl import running
from analytics.services import month_reports, summaries
from clinic.core.errors import Busy

logger = logging.getLogger(__name__)


@shared_task
def write_summaries(anew: bool = False) -> None:
    summaries.write_summaries(today=timezone.localdate(), now=timezone.now(), anew=anew)


@shared_task
def run_etl() -> None:
    """Bring the star schema up to date; nothing to do when another run is at it."""
    try:
        running.run_etl()
    except Busy:
        logger.info("another run of the etl is at work")


@shared_task
def send_month_reports() -> None:
    month_reports.ask_by_calendar(timezone.now())
    month_reports.send_due(timezone.now())
