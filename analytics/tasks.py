from celery import shared_task
from django.utils import timezone

from analytics.services import summaries


@shared_task
def write_summaries(anew: bool = False) -> None:
    summaries.write_summaries(today=timezone.localdate(), now=timezone.now(), anew=anew)
