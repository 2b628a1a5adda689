"""The task queue and its one schedule. Tasks stand in each app's tasks.py.

The broker is not a durable queue: PostgreSQL holds what is still to be done, a task only wakes
the work, and the schedule sweeps what no task woke.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

app = Celery("clinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "relay the outbox": {"task": "clinic.audit.tasks.relay_outbox", "schedule": 10.0},
    "offer free times to the waitlist": {"task": "scheduling.tasks.sweep_waitlist", "schedule": 15.0},
    "remind of appointments": {"task": "scheduling.tasks.send_reminders", "schedule": 60.0},
    "move note bodies to MongoDB": {"task": "patients.tasks.ship_notes", "schedule": 10.0},
    "sum up the days": {"task": "analytics.tasks.write_summaries", "schedule": 300.0},
    "bring the figures up to date": {"task": "analytics.tasks.run_etl", "schedule": 30.0},
    "send the month's report": {"task": "analytics.tasks.send_month_reports", "schedule": 60.0},
    "sum up the last days anew": {
        "task": "analytics.tasks.write_summaries",
        "schedule": crontab(hour=0, minute=20),
        "kwargs": {"anew": True},
    },
    "move files to MongoDB": {"task": "patients.tasks.ship_files", "schedule": 10.0},
    "forget old idempotency keys": {"task": "clinic.audit.tasks.forget_old_answers", "schedule": 3600.0},
    "send links by mail": {"task": "clinic.accounts.tasks.send_links", "schedule": 10.0},
    "end idle sessions": {"task": "clinic.accounts.tasks.end_idle_sessions", "schedule": 60.0},
    "forget old links": {"task": "clinic.accounts.tasks.forget_old_links", "schedule": 3600.0},
    "forget old sign-in attempts": {"task": "clinic.accounts.tasks.forget_old_attempts", "schedule": 3600.0},
    "expire prescriptions": {"task": "pharmacy.tasks.expire_prescriptions", "schedule": crontab(hour=0, minute=10)},
}
