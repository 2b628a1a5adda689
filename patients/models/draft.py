import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Func
from django.db.models.lookups import Exact

from clinic.core.models import VersionedModel
from patients.models.encounter import FrozenWithEncounter


class ConsultationDraft(VersionedModel):
    """What one person typed into the consultation of one visit and has not saved yet. Nobody else sees it.

    `version` counts its changes, so that two windows do not overwrite each other. It is no part of the record.
    """

    encounter = models.ForeignKey("patients.Encounter", models.PROTECT, related_name="drafts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who typed it, and alone sees it.")
    values = models.JSONField(
        default=dict, help_text="{form of the page: {field: what stands in it}}, of those that differ from what is saved."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["encounter", "author"], name="draft_once_per_visit_and_author"),
            models.CheckConstraint(
                name="draft_values_are_an_object",
                condition=Exact(Func("values", function="jsonb_typeof", output_field=models.TextField()), "object"),
            ),
        ]
        triggers = [FrozenWithEncounter(name="draft_of_an_open_visit", operation=pgtrigger.Insert | pgtrigger.Update)]
