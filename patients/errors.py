from clinic.core.errors import DomainError, InvalidInput


class PatientInactive(DomainError):
    code = "patient_inactive"
    detail = "This patient's record is deactivated. Reactivate it first."


class UnusualVitals(DomainError):
    """Of the pages only: a program that measures is not asked."""

    code = "unusual_vitals"
    status = 422


class BreakGlassRequired(DomainError):
    code = "break_glass_required"
    status = 403
    detail = "This chart is restricted. To open it, say why; the reason is kept and shown to the manager."


class ChartNotRestricted(DomainError):
    code = "chart_not_restricted"
    detail = "This chart is not restricted: it opens without a reason."


class CannotMerge(DomainError):
    code = "cannot_merge"
    detail = "These two records cannot be merged."


class NotMerged(DomainError):
    code = "not_merged"
    detail = "No merge of this record stands."


class RecordMerged(DomainError):
    code = "record_merged"
    detail = "This record was merged into another one. Change that one, or undo the merge."


class ConsentNotGiven(DomainError):
    code = "consent_not_given"
    detail = "No consent of this kind stands, so there is nothing to withdraw."


class EncounterOpen(DomainError):
    code = "encounter_open"
    detail = "A visit of this patient is still in progress. Complete it first."


class EmailTaken(DomainError):
    code = "email_taken"
    detail = "Another patient with an account uses this e-mail."


class AccountLinked(DomainError):
    code = "account_linked"
    detail = "This record, or this account, is linked already."


class DoctorInactive(DomainError):
    code = "doctor_inactive"
    detail = "This doctor does not consult any more."


class EncounterClosed(DomainError):
    code = "encounter_closed"
    detail = "This visit is closed: what was signed stays as it is. Add an addendum instead."


class EncounterNotSigned(DomainError):
    code = "encounter_not_signed"
    detail = "This visit is not signed yet: change it directly instead of adding an addendum."


class PrimaryDiagnosisExists(DomainError):
    code = "primary_diagnosis_exists"
    detail = "This visit has a primary diagnosis already. Add this one as secondary, or remove the other first."


class DraftChanged(DomainError):
    """Another window of the same person kept something else meanwhile; `extra` has its values and version."""

    code = "draft_changed"
    detail = "This visit is open in another window, where something else was typed."


class OtherPerson(DomainError):
    code = "other_person"
    status = 403
    detail = "Someone else has signed in on this computer. Nothing was saved in their name."


class UnsavedDraft(DomainError):
    code = "unsaved_draft"
    detail = "Something you typed in this visit is not saved yet. Save or empty it, then sign."


class NoteChanged(DomainError):
    code = "note_changed"
    detail = "Someone wrote a newer version of this note. Look at it before writing yours."


class NoteUnavailable(DomainError):
    code = "note_unavailable"
    detail = "The version before cannot be read just now, so no new one can follow it. Write another note, or try again later."


class TreatmentTypeTaken(DomainError):
    code = "treatment_type_taken"
    detail = "The catalogue has a treatment of this name."


class TooManyFiles(DomainError):
    code = "too_many_files"
    detail = "This visit has as many files as one can have."


class FileUnavailable(DomainError):
    code = "file_unavailable"
    status = 503
    detail = "This file is temporarily unavailable: the file store does not answer. It is not lost."


class FileDamaged(DomainError):
    code = "file_damaged"
    detail = "What is stored is not what was added. Do not rely on this file; tell an administrator."


class RecordPatientMismatch(DomainError):
    code = "record_patient_mismatch"
    detail = "This visit belongs to another patient. Nothing was written."


class ReasonMissing(InvalidInput):
    detail = "A reason is needed."

    def __init__(self):
        super().__init__(errors={"reason": ["Say why."]})
