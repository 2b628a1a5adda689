"""What Prometheus may read: how far the background work is behind. Numbers only, no names."""

import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Max, Min
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clinic.audit.models import OutboxEvent
from clinic.core import health, redis
from patients.models import ClinicalNote

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOPBACK = {"127.0.0.1", "::1"}


@login_not_required
@never_cache
@require_safe
def metrics(request):
    """With METRICS_TOKEN as bearer token; without that setting for this machine only. For all others there is no such page."""
    if not _may_read(request):
        raise Http404
    lines = [line for name, meaning, values in _gauges() for line in _lines(name, meaning, values)]
    return HttpResponse("\n".join(lines) + "\n", content_type=CONTENT_TYPE)


def _may_read(request) -> bool:
    if token := settings.METRICS_TOKEN:
        return secrets.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    # A proxy on this machine is no reader of this machine.
    return request.META.get("REMOTE_ADDR") in _LOOPBACK and "X-Forwarded-For" not in request.headers


def _gauges():
    """(name, meaning, [(labels, value)])."""
    now = timezone.now()
    waiting = OutboxEvent.objects.unshipped().aggregate(number=Count("pk"), oldest=Min("occurred_at"))
    unsealed = OutboxEvent.objects.unsealed().aggregate(number=Count("pk"), oldest=Min("occurred_at"))
    yield "clinic_outbox_events", "Events that MongoDB does not have yet.", [("", waiting["number"])]
    yield "clinic_outbox_age_seconds", "Age of the oldest of them.", [("", _age(waiting["oldest"], now))]
    yield "clinic_audit_unsealed_events", "Events without a place in the audit chain.", [("", unsealed["number"])]
    yield "clinic_audit_sealing_lag_seconds", "Age of the oldest of them.", [("", _age(unsealed["oldest"], now))]
    length = OutboxEvent.objects.sealed().aggregate(last=Max("sequence"))["last"] or 0
    yield "clinic_audit_sealed_events", "Length of the audit chain.", [("", length)]
    yield (
        "clinic_notes_waiting",
        "Bodies of notes that MongoDB does not have yet.",
        [("", ClinicalNote.objects.filter(stored_at=None).count())],
    )
    stores = health.check_stores().items()
    yield "clinic_store_up", "Whether the store answers.", [(f'{{store="{name}"}}', int(state == "ok")) for name, state in stores]
    try:
        yield "clinic_task_queue_length", "Tasks that no worker has taken.", [("", _queued())]
    except redis.RedisDown:
        return


@redis.guarded
def _queued() -> int:
    return redis.client().llen("celery")


def _age(oldest, now) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def _lines(name: str, meaning: str, values):
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    yield from (f"{name}{labels} {value}" for labels, value in values)
