import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly
from pharmacy.models.triggers import CallIsOfARecipient


class CallOutcome(models.TextChoices):
    REACHED = "reached", "Reached"
    NO_ANSWER = "no_answer", "No answer"
    WRONG_NUMBER = "wrong_number", "Wrong number"
    LETTER_SENT = "letter_sent", "Letter sent"
    RETURNED = "returned", "Brought it back"
    USED_UP = "used_up", "Used up"
    DECLINED = "declined", "Declined"


# After these nobody needs to call again.
SETTLED_OUTCOMES = frozenset({CallOutcome.RETURNED, CallOutcome.USED_UP, CallOutcome.DECLINED})


class RecallCall(BaseModel):
    """One attempt to tell a patient that what they were given is recalled. The last one counts."""

    batch = models.ForeignKey(
        "pharmacy.Batch", models.PROTECT, related_name="recall_calls", help_text="The recalled batch, as it was received."
    )
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=12, choices=CallOutcome)
    note = models.CharField(max_length=200, blank=True, help_text="What was agreed, in a few words.")
    called_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    called_at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["batch", "patient", "-id"], name="recall_call_last")]
        triggers = [
            AppendOnly(name="recall_call_append_only"),
            CallIsOfARecipient(name="recall_call_of_a_recipient", operation=pgtrigger.Insert),
        ]
