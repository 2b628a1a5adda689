from celery import shared_task
from django.utils import timezone

from pharmacy.services import expiring


@shared_task(ignore_result=True)
def expire_prescriptions():
    """In parts, so that no transaction is long; what a stopped run left the next one marks."""
    while expiring.expire_prescriptions(on=timezone.localdate()):
        pass
