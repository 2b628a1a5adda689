from celery import shared_task
from django.utils import timezone

from patients.services import notes


@shared_task
def ship_notes() -> None:
    notes.ship_notes()
    notes.clear_bodies(now=timezone.now())
