"""What is typed into a consultation and not saved yet, kept on the server."""

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from patients import locks
from patients.errors import DraftChanged
from patients.models import ConsultationDraft, Encounter
from patients.rules.drafts import draft_problem
from patients.services.encounters import check_open


@atomic_with_retry
def save_draft(*, encounter_id: int, values: dict, version: int, by) -> ConsultationDraft:
    """Keep what this person typed in place of what was kept before; no values say that nothing is unsaved.

    `version` is that of the draft which the page knows, 0 for none. Locks the encounter. What is kept
    already is kept again without a change. Raises InvalidInput, EncounterClosed, and DraftChanged with
    the kept values when another window came first. Only that typing began is audited: the text is of no record yet.
    """
    if problem := draft_problem(values):
        raise InvalidInput(errors={"values": [problem]})
    encounter = locks.lock_encounter(encounter_id)
    check_open(encounter)
    draft = draft_of(encounter, by)
    if draft is None:
        draft = ConsultationDraft.objects.create(encounter=encounter, author=by, values=values)
        record(action="patients.draft.begun", actor=by, subject=encounter, patient=encounter.patient)
    elif draft.values != values:
        if draft.version != version:
            raise DraftChanged(values=draft.values, version=draft.version)
        draft.save_changes(values=values)
    return draft


@atomic_with_retry
def drop_form(*, encounter_id: int, form: str, by) -> None:
    """Let go of one form of the draft, which was saved into the record just now. Locks the encounter."""
    encounter = locks.lock_encounter(encounter_id)
    draft = draft_of(encounter, by)
    if draft and form in draft.values and encounter.is_open:
        draft.save_changes(values={name: fields for name, fields in draft.values.items() if name != form})


@atomic_with_retry
def discard_draft(*, encounter_id: int, by) -> None:
    """Let go of all of it, also after the visit was closed. Locks the encounter."""
    encounter = locks.lock_encounter(encounter_id)
    draft = draft_of(encounter, by)
    if draft:
        draft.delete()
        record(action="patients.draft.discarded", actor=by, subject=encounter, patient=encounter.patient)


def draft_of(encounter: Encounter, by) -> ConsultationDraft | None:
    return ConsultationDraft.objects.filter(encounter=encounter, author=by).first()
