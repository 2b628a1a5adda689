from celery import shared_task

from clinic.audit.services import idempotency, relay, sealing


@shared_task
def relay_outbox() -> None:
    """Seal what happened, and ship it; neither waits for the other to work."""
    try:
        sealing.seal_outbox()
    finally:
        relay.relay_outbox()


@shared_task
def forget_old_answers() -> None:
    idempotency.forget_old_answers()
