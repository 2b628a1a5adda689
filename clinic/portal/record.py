"""Everything that the clinic keeps about one patient, section by section: rows as plain values, in one shape for JSON and paper.

A section gives all columns of its table but those that only serve the software, so that a new column cannot be
forgotten; a test holds the sections against the model registry, so that a new table cannot be either.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import Range
from django.db.models import BinaryField, ForeignKey, Model, Q, QuerySet
from django.utils import timezone

from billing import models as billing
from clinic.accounts.models import Doctor
from clinic.core.errors import DomainError
from patients import models as patients
from patients.selectors import access_log_of, reading_of
from patients.services.notes import NoteRead, read_bodies
from pharmacy import models as pharmacy
from scheduling import models as scheduling

CHUNK = 500
# Serve the software; say nothing about the patient.
TECHNICAL = frozenset(
    {
        "id", "version", "created_at", "updated_at", "request_id", "source_id", "search_name", "sort_name", "search_words", "body",
        "stored_at", "occupied", "band", "effective_at", "turn_at", "claim", "leased_until", "attempts", "charge_key", "shift",
        "slip_key", "paper_code", "merged_into", "patient", "event_id",
    }
)  # fmt: skip
SIGNED = Q(signed_at__isnull=False)
ISSUED = Q(issued_at__isnull=False)


class RecordNotWhole(DomainError):
    code = "record_not_whole"
    status = 503
    detail = "Some notes cannot be read just now, and a record with gaps is not given out. Please try again later."


def _files_in(model: type[Model]) -> list[str]:
    """The columns that hold whole files, which a list of rows does not read."""
    return [each.name for each in model._meta.concrete_fields if isinstance(each, BinaryField)]


@dataclass(frozen=True)
class Section:
    """The rows of one table, `path` from the patient. `only`: what is no draft. `without`: more columns to leave out."""

    name: str
    model: type[Model]
    path: str = "patient"
    only: Q = field(default_factory=Q)
    without: frozenset[str] = frozenset()

    def rows_of(self, patient: patients.Patient) -> QuerySet:
        keys = [each for each in self.columns if isinstance(each, ForeignKey)]
        related = [each.name for each in keys]
        related += [f"{each.name}__user" for each in self.columns if each.related_model is Doctor]
        files = _files_in(self.model) + [f"{each.name}__{name}" for each in keys for name in _files_in(each.related_model)]
        return self.model._base_manager.filter(self.only, **{self.path: patient}).select_related(*related).defer(*files).order_by("pk")

    @property
    def columns(self) -> list:
        return [each for each in self.model._meta.concrete_fields if each.name not in TECHNICAL | self.without]

    def values_of(self, row: Model) -> dict[str, Any]:
        return {"id" if column.name == "public_id" else column.name: _plain(column, row) for column in self.columns}


SECTIONS = (
    Section("allergies", patients.Allergy),
    Section("problems", patients.Problem),
    Section("changes_of_allergies_and_problems", patients.ListEntry),
    Section("consents", patients.Consent),
    Section("appointments", scheduling.Appointment),
    Section("appointment_series", scheduling.AppointmentSeries),
    Section("reminders", scheduling.Reminder, "appointment__patient"),
    Section("no_reminders", scheduling.ReminderOptOut),
    Section("waitlist", scheduling.WaitlistEntry),
    Section("waitlist_offers", scheduling.WaitlistOffer, "entry__patient"),
    Section("queue_tokens", scheduling.Token),
    Section("queue_changes", scheduling.TokenTransition, "token__patient"),
    Section("visits", patients.Encounter),
    Section("vitals", patients.Vitals, "encounter__patient"),
    Section("diagnoses", patients.Diagnosis, "encounter__patient"),
    Section("notes", patients.ClinicalNote),
    Section("addenda", patients.Addendum, "encounter__patient"),
    Section("treatments", patients.Treatment, "encounter__patient"),
    Section("medicines_used_in_treatments", pharmacy.TreatmentLine, "encounter__patient"),
    Section("files", patients.Attachment, without=frozenset({"content"})),
    Section("prescriptions", pharmacy.Prescription, only=SIGNED),
    Section("prescribed_medicines", pharmacy.PrescriptionItem, "prescription__patient", Q(prescription__signed_at__isnull=False)),
    Section("dispensings", pharmacy.Dispense, "prescription__patient"),
    Section("dispensed_medicines", pharmacy.DispenseLine, "dispense__prescription__patient"),
    Section("returned_medicines", pharmacy.DispenseReturn, "dispense__prescription__patient"),
    Section("recall_calls", pharmacy.RecallCall),
    Section("invoices", billing.Invoice, only=ISSUED),
    Section("invoice_lines", billing.InvoiceLine, "invoice__patient", Q(invoice__issued_at__isnull=False)),
    Section("payments", billing.Payment, "invoice__patient"),
    Section("refunds", billing.Refund, "payment__invoice__patient"),
    Section("advances", billing.Deposit),
    Section("advance_refunds", billing.DepositRefund, "deposit__patient"),
    Section("online_payments", billing.OnlinePayment, "invoice__patient"),
    Section("credit_notes", billing.CreditNote, "invoice__patient"),
    Section("credit_note_lines", billing.CreditLine, "credit_note__invoice__patient"),
    Section("claims", billing.Claim, "invoice__patient"),
    Section("openings_of_the_restricted_chart", patients.BreakGlass),
)
# Tables that lead to a patient and are not given out, each with the reason.
LEFT_OUT = {
    "patients.ConsultationDraft": "Typed and not saved: no part of the record.",
    "patients.Refiling": "What MongoDB is still to be told after a merge.",
    "patients.PatientMerge": "How two records became one; what was in them stands in the sections.",
    "patients.MergedValue": "The journal of a merge, to undo it.",
    "patients.NotDuplicate": "Names another patient.",
    "scheduling.KeptAppointment": "That a doctor keeps an appointment during leave; the appointment is there.",
    "scheduling.SeriesDate": "The dates of a series; each that was booked is an appointment.",
    "pharmacy.StockMovement": "The pharmacy's ledger; what was handed out is there.",
    "billing.ReturnCredit": "Which units that came back a credit is for; the credit and the return are there.",
    "billing.ProviderEvent": "What the payment provider said; the payment is there.",
}


@dataclass(frozen=True)
class Record:
    """A patient's record, whole: notes are read, so that nothing can be missing once it is given out."""

    patient: patients.Patient
    notes: list[NoteRead]
    taken_at: datetime

    def person(self) -> dict[str, Any]:
        return Section("patient", patients.Patient, "pk").values_of(self.patient)

    def sections(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        for section in SECTIONS:
            yield section.name, self._notes(section) if section.model is patients.ClinicalNote else self._rows(section)
        yield "access_log", (_reading(event) for event in access_log_of(self.patient).iterator(CHUNK))

    def _rows(self, section: Section) -> Iterator[dict[str, Any]]:
        for row in section.rows_of(self.patient).iterator(CHUNK):
            yield section.values_of(row)

    def _notes(self, section: Section) -> Iterator[dict[str, Any]]:
        """Those that were read: one that is written while the file is on its way is in the next."""
        for read in self.notes:
            words = {"state": read.state, "text": read.text, "observations": read.observations, "tags": read.tags}
            yield section.values_of(read.header) | words


def record_of(patient: patients.Patient, *, now: datetime) -> Record:
    """Raises RecordNotWhole while a note cannot be read."""
    headers = patients.ClinicalNote.objects.filter(patient=patient).select_related("author", "encounter__patient").order_by("pk")
    notes = read_bodies(list(headers))
    if any(read.state == "unavailable" for read in notes):
        raise RecordNotWhole
    return Record(patient, notes, now)


def _reading(event) -> dict:
    return {name: _plain_value(value) for name, value in asdict(reading_of(event)).items()}


# What a foreign key is shown as: the id of a row that is given out itself, words for all others.
_GIVEN_OUT = frozenset(section.model for section in SECTIONS)


def _plain(column, row: Model) -> Any:
    if isinstance(column, ForeignKey):
        related = getattr(row, column.name)
        return None if related is None else str(related.public_id) if type(related) in _GIVEN_OUT else str(related)
    return _plain_value(getattr(row, column.attname))


def _plain_value(value: Any) -> Any:
    if isinstance(value, Range):
        return {"start": _plain_value(value.lower), "end": _plain_value(value.upper)}
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, dict | list | bool | int) else str(value)
