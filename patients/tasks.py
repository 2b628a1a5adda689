from celery import shared_task
from django.utils import timezone

from patients.services import attachments, notes, refiling


@shared_task
def ship_notes() -> None:
    notes.ship_notes()
    notes.clear_bodies(now=timezone.now())


@shared_task
def ship_files() -> None:
    attachments.ship_files()
    attachments.clear_files(now=timezone.now())
    refiling.refile_documents()
