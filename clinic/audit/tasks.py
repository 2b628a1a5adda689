from celery import shared_task

from clinic.audit.services import idempotency, relay


@shared_task
def relay_outbox() -> None:
    relay.relay_outbox()


@shared_task
def forget_old_answers() -> None:
    idempotency.forget_old_answers()
