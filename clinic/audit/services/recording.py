"""Writing down what happens, in the transaction in which it happens."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from clinic.audit.models import OutboxEvent, Topic
from clinic.audit.services import waking
from clinic.core import context


def record(*, action: str, actor, subject=None, patient=None, changes: dict | None = None) -> OutboxEvent:
    """Add an audit event to the caller's transaction.

    `action` is `app.thing.what_happened`; `actor` the User, None for the system or a stranger;
    `subject` the row it is about; `patient` the Patient (or its public id) whose record it touches;
    `changes` holds ids, statuses, amounts and names of fields: no clinical text, no names of people.
    Call it inside a transaction; the event then stands or falls with the effect.
    """
    return _add(_audit_event(actor=actor, action=action, subject=subject, patient=patient, changes=changes))


def record_each(*, action: str, actor, about: Iterable[tuple[Model, Model, dict]]) -> None:
    """As record: an event for each (subject, patient, changes), in one query however many."""
    events = [
        _audit_event(action=action, actor=actor, subject=subject, patient=patient, changes=changes) for subject, patient, changes in about
    ]
    OutboxEvent.objects.bulk_create(events)
    transaction.on_commit(waking.wake_relay)


def user_of(actor) -> dict | None:
    """As documents name who did something; None for the system."""
    return {"id": str(actor.public_id), "name": str(actor), "role": ",".join(sorted(actor.roles))} if actor else None


def publish(*, topic: Topic, action: str, document: dict, subject, patient_id: UUID | None = None) -> OutboxEvent:
    """Mirror a document to another MongoDB collection, from the caller's transaction. JSON values only."""
    kind = subject._meta.label_lower.split(".")[-1]
    return _add(_event(topic, document, action=action, resource_type=kind, resource_id=subject.public_id, patient_id=patient_id))


def _audit_event(*, action: str, actor, subject, patient, changes: dict | None) -> OutboxEvent:
    actor = actor if getattr(actor, "pk", None) else None
    resource_type = subject._meta.label_lower.split(".")[-1] if subject is not None else ""
    resource_id = getattr(subject, "public_id", None)
    patient_id = patient if isinstance(patient, UUID | None) else patient.public_id
    document = {
        "user": user_of(actor),
        "action": action,
        "resource": {"type": resource_type, "id": str(resource_id) if resource_id else None},
        "patient": str(patient_id) if patient_id else None,
        "changes": changes or {},
    }
    return _event(
        Topic.AUDIT, document, actor=actor, action=action, resource_type=resource_type, resource_id=resource_id, patient_id=patient_id
    )


def _event(topic: Topic, document: dict, **columns) -> OutboxEvent:
    document |= {"timestamp": datetime.now(UTC).isoformat(), "request_id": context.request_id.get()}
    return OutboxEvent(topic=topic, document=document, request_id=context.request_id.get(), **columns)


def _add(event: OutboxEvent) -> OutboxEvent:
    event.save(force_insert=True)
    transaction.on_commit(waking.wake_relay)
    return event
