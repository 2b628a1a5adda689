from celery import shared_task

from patients.services import notes


@shared_task
def ship_notes() -> None:
    notes.ship_notes()
