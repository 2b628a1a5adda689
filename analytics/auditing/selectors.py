"""The audit log as a page and a file show it: 4 queries however many rows."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from clinic.audit.models import OutboxEvent
from patients.models import Patient

PAGE_SIZE = 50
LONGEST_FILE = 20_000
HEADING = ["at", "user", "roles", "action", "resource", "resource_id", "mrn", "details", "request_id", "number"]


@dataclass(frozen=True)
class Row:
    event_id: UUID
    at: datetime
    username: str
    who: str
    roles: str
    action: str
    resource: str
    resource_id: UUID | None
    mrn: str
    details: str
    request_id: str
    number: int | None

    @property
    def cells(self) -> list:
        at = timezone.localtime(self.at).strftime("%Y-%m-%d %H:%M:%S")
        resource = str(self.resource_id or "")
        return [at, self.username, self.roles, self.action, self.resource, resource, self.mrn, self.details, self.request_id, self.number]


def events_of(*, who=None, patient=None, action="", date_from=None, date_to=None, before=None):
    """The audit events that match, the newest first; `before` is the event that the last page ended with."""
    events = OutboxEvent.objects.audit().select_related("actor").order_by("-occurred_at", "-id")
    if who:
        events = events.filter(actor=who)
    if patient:
        events = events.filter(patient_id=patient.public_id)
    if action:
        events = events.filter(action__startswith=action)
    if date_from:
        events = events.filter(occurred_at__gte=_midnight(date_from))
    if date_to:
        events = events.filter(occurred_at__lt=_midnight(date_to + timedelta(days=1)))
    if before and (last := OutboxEvent.objects.filter(event_id=before).first()):
        events = events.filter(occurred_at__lte=last.occurred_at).filter(Q(occurred_at__lt=last.occurred_at) | Q(pk__lt=last.pk))
    return events


def rows_of(events) -> list[Row]:
    events = list(events)
    mrns = dict(Patient.objects.filter(public_id__in={event.patient_id for event in events}).values_list("public_id", "mrn"))
    return [_row(event, mrns.get(event.patient_id, "")) for event in events]


def _row(event: OutboxEvent, mrn: str) -> Row:
    user = event.document.get("user") or {}
    changes = event.document.get("changes") or {}
    return Row(
        event_id=event.event_id,
        at=event.occurred_at,
        username=event.actor.username if event.actor else "",
        who=user.get("name", ""),
        roles=user.get("role", ""),
        action=event.action,
        resource=event.resource_type,
        resource_id=event.resource_id,
        mrn=mrn,
        details=", ".join(f"{name}: {value}" for name, value in changes.items()),
        request_id=event.request_id,
        number=event.sequence,
    )


def _midnight(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
