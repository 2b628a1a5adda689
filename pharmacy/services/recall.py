"""Telling patients that what they were given is recalled."""

from uuid import UUID

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.repeats import earlier
from pharmacy import locks
from pharmacy.errors import NotRecalled
from pharmacy.models import Batch, BatchState, CallOutcome, RecallCall
from pharmacy.selectors.recall import Recipient, recipients_of, was_given


@atomic_with_retry
def read_recipients(*, batch: Batch, by) -> list[Recipient]:
    """The call list of a batch; that it was read is written down before it is shown."""
    recipients = recipients_of(batch)
    if recipients:
        record(
            action="pharmacy.batch.recipients_read",
            actor=by,
            subject=batch,
            changes={"patients": [str(recipient.patient.public_id) for recipient in recipients]},
        )
    return recipients


@atomic_with_retry
def record_call(*, batch_id: int, patient_id: int, outcome: str, by, request_id: UUID, note: str = "") -> RecallCall:
    """Write down how a call went. Locks the batch. Repeating request_id returns the first one.

    Raises NotRecalled, RequestReused, and InvalidInput for a patient who was given nothing of it.
    """
    note = note.strip()
    if outcome not in CallOutcome.values:
        raise InvalidInput(errors={"outcome": ["Say how it went."]})
    if len(note) > 200:
        raise InvalidInput(errors={"note": ["At most 200 characters."]})
    batch = _lock_origin(batch_id)
    if first := earlier(RecallCall, request_id, batch_id=batch.pk, patient_id=patient_id, outcome=outcome, note=note):
        return first
    if batch.state != BatchState.RECALLED:
        raise NotRecalled
    if not was_given(batch, patient_id):
        raise InvalidInput(errors={"patient": ["Nothing of this batch was given to this patient."]})
    call = RecallCall.objects.create(batch=batch, patient_id=patient_id, outcome=outcome, note=note, called_by=by, request_id=request_id)
    record(action="pharmacy.batch.recipient_called", actor=by, subject=batch, patient=call.patient, changes={"outcome": outcome})
    return call


def _lock_origin(batch_id: int) -> Batch:
    """The batch as it was received: calls about what came back into quarantine are about the same lot."""
    origin = Batch.objects.values_list("returned_from", flat=True).get(pk=batch_id) or batch_id
    [batch] = locks.lock_batches([origin])
    return batch
