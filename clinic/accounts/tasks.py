from celery import shared_task

from clinic.accounts.services import sign_in


@shared_task
def forget_old_attempts() -> None:
    sign_in.forget_old_attempts()
