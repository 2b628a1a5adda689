"""How a patient's allergies and problems stood earlier: kept by triggers, so that no way of writing goes round it."""

import pgtrigger
from django.db import models
from django.db.models import Q

from clinic.core.triggers import AppendOnly


class ListKind(models.TextChoices):
    ALLERGY = "allergy", "Allergy"
    PROBLEM = "problem", "Problem"
    REVIEW = "review", "Allergies were asked about"


class ListEntry(models.Model):
    """What one line of a record's allergies or problems said from a moment on; without content it was gone.

    A review is one that a later one took the place of; the last stands in Patient.allergies_reviewed_at.
    A merge takes the lines off the one record and puts them on the other, which stands here for both.
    """

    patient = models.ForeignKey("patients.Patient", models.PROTECT, db_index=False, related_name="+", help_text="On whose record it stood.")
    kind = models.CharField(max_length=8, choices=ListKind, help_text="What the line is.")
    item = models.UUIDField(help_text="Public id of the allergy or problem; of the patient for a review.")
    content = models.JSONField(null=True, help_text="What the line said from then on; empty when it was taken off.")
    at = models.DateTimeField(help_text="From when.")

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="list_entry_of_a_kind", condition=Q(kind__in=ListKind.values))]
        indexes = [models.Index(fields=["patient", "at"], name="list_entry_by_patient")]
        triggers = [AppendOnly(name="list_entry_append_only")]

    def __str__(self):
        return f"{self.kind} {self.item}"


def _insert(kind: ListKind, row: str, content: str) -> str:
    return (
        "INSERT INTO patients_listentry (patient_id, kind, item, content, at)"
        f" VALUES ({row}.patient_id, '{kind.value}', {row}.public_id, {content}, statement_timestamp());"
    )


class KeepsPast(pgtrigger.Trigger):
    """Writes a ListEntry for each change of a line in `columns`, and two when it goes to another record."""

    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete

    def __init__(self, name: str, kind: ListKind, columns: tuple[str, ...]):
        pairs = ", ".join(f"'{each}', NEW.{each}" for each in columns)
        new, old = (f"({', '.join(f'{row}.{each}' for each in columns)})" for row in ("NEW", "OLD"))
        func = f"""
            IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.patient_id <> NEW.patient_id) THEN
                {_insert(kind, "OLD", "NULL")}
            END IF;
            IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND (OLD.patient_id <> NEW.patient_id OR {new} IS DISTINCT FROM {old})) THEN
                {_insert(kind, "NEW", f"jsonb_build_object({pairs})")}
            END IF;
            RETURN NULL;
        """
        super().__init__(name=name, func=func)


class KeepsReviews(pgtrigger.Trigger):
    """Writes a ListEntry for the review that a later one takes the place of."""

    when = pgtrigger.After
    operation = pgtrigger.UpdateOf("allergies_reviewed_at")
    condition = pgtrigger.Condition(
        "OLD.allergies_reviewed_at IS NOT NULL AND OLD.allergies_reviewed_at IS DISTINCT FROM NEW.allergies_reviewed_at"
    )
    func = f"""
        INSERT INTO patients_listentry (patient_id, kind, item, content, at)
        VALUES (NEW.id, '{ListKind.REVIEW.value}', NEW.public_id, '{{}}', OLD.allergies_reviewed_at);
        RETURN NULL;
    """
