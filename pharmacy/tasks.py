from celery import shared_task
from django.utils import timezone

from pharmacy.services import expiring


@shared_task(ignore_result=True)
def expire_prescriptions():
    expiring.expire_prescriptions(on=timezone.localdate())
