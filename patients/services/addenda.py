"""Corrections to what is signed."""

from uuid import UUID

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.repeats import earlier
from patients import locks
from patients.errors import EncounterNotSigned
from patients.models import Addendum, EncounterStatus
from patients.rules.identity import plain_words
from patients.rules.notes import is_storable


@atomic_with_retry
def add_addendum(*, encounter_id: int, reason: str, text: str, author, request_id: UUID | None = None) -> Addendum:
    """Add a correction, with its reason, to a signed encounter, which itself stays as it was signed.

    Locks the encounter. Repeating request_id returns the first one. Raises InvalidInput and EncounterNotSigned.
    """
    reason, text = plain_words(reason), text.strip()
    errors = {name: ["This is needed."] for name, value in (("reason", reason), ("text", text)) if not value or not is_storable(value)}
    if errors:
        raise InvalidInput(errors=errors)
    encounter = locks.lock_encounter(encounter_id)
    if first := earlier(Addendum, request_id, encounter_id=encounter_id, reason=reason, text=text):
        return first
    if encounter.status != EncounterStatus.COMPLETED:
        raise EncounterNotSigned
    addendum = Addendum.objects.create(encounter=encounter, reason=reason, text=text, author=author, request_id=request_id)
    record(
        action="patients.encounter.addendum_added",
        actor=author,
        subject=encounter,
        patient=encounter.patient,
        changes={"addendum": str(addendum.public_id)},
    )
    return addendum
