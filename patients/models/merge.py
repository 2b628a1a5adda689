import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly, Frozen, Kept

_UNDOING = ["undone_at", "undone_by"]


class PatientMergeQuerySet(models.QuerySet):
    def live(self):
        return self.filter(undone_at=None)


class PatientMerge(BaseModel):
    """Two records of one person put together: what pointed at the loser points at the survivor, until it is undone."""

    survivor = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+", help_text="The record that stays.")
    loser = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+", help_text="The record that was a duplicate.")
    reason = models.CharField(max_length=200)
    merged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who put them together.")
    merged_at = models.DateTimeField(help_text="When they were put together.")
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", help_text="Who took them apart again."
    )
    undone_at = models.DateTimeField(null=True, blank=True, help_text="When they were taken apart again.")

    objects = PatientMergeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="merge_of_two", condition=~Q(survivor=F("loser"))),
            models.CheckConstraint(name="merge_with_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="merge_undone_by_someone",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True) | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
            models.UniqueConstraint(fields=["loser"], condition=Q(undone_at__isnull=True), name="merge_loses_once"),
        ]
        triggers = [
            Kept(name="merge_kept"),
            Frozen(name="merge_unchanged", condition=pgtrigger.AnyChange(exclude=_UNDOING)),
            Frozen(name="merge_undone_once", condition=pgtrigger.Q(old__undone_at__isnull=False)),
        ]


class MergedValue(models.Model):
    """The journal of a merge: what stood in one column of one row before."""

    merge = models.ForeignKey(PatientMerge, models.PROTECT, related_name="values", help_text="The merge that changed it.")
    table = models.CharField(max_length=63, help_text="Of the row.")
    row_id = models.BigIntegerField(help_text="The row's primary key.")
    column = models.CharField(max_length=63, help_text="The model's field.")
    old_value = models.JSONField(null=True, help_text="What stood there; of a foreign key, the primary key.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["table", "row_id"], name="merged_value_of_row")]
        triggers = [AppendOnly(name="merged_value_append_only")]

    def __str__(self):
        return f"{self.table} {self.row_id} {self.column}"


class NotDuplicate(BaseModel):
    """Two patients who look alike and are not the same person: they are not proposed again."""

    first = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+", help_text="The one with the lower primary key.")
    second = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+", help_text="The other one.")
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who looked at the two.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="not_duplicate_in_order", condition=Q(first__lt=F("second"))),
            models.UniqueConstraint(fields=["first", "second"], name="not_duplicate_once_per_pair"),
        ]
        indexes = [models.Index(fields=["second"], name="not_duplicate_by_second")]
