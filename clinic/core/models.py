import uuid

from django.db import models
from django.db.models.functions import Now


class BaseModel(models.Model):
    """What every table of ours has. The primary key never leaves the server; `public_id` does."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self._meta.verbose_name} {self.public_id}"


class VersionedModel(BaseModel):
    """A row that people edit: `version` counts its changes, so that a stale edit is refused.

    Services raise it with `bump()`; the API shows it as the ETag.
    """

    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def save_changes(self, **changes):
        """Write the named fields and raise the version. The caller holds the row's lock."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.version += 1
        self.updated_at = Now()
        self.save(update_fields=[*changes, "version", "updated_at"])
        self.refresh_from_db(fields=["updated_at"])
