from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from clinic.core.redis import RedisDown
from clinic.ops.backup import mongodb, postgresql
from clinic.ops.backup.errors import BackupError
from clinic.ops.backup.folder import Folder, Manifest
from scheduling.services.projection import rebuild


def restore(path: Path, tell: Callable[[str], None]) -> Manifest:
    """All of a backup into empty stores, read back and compared.

    Raises BackupError when the backup is damaged, when a store is not empty or when its tables are of another version; then
    nothing was changed. PostgreSQL's rows come in one transaction.
    """
    folder = Folder(path)
    manifest = folder.manifest()
    folder.check(manifest, tell)
    with postgresql.connected() as database:
        postgresql.check_target(database, manifest)
        mongodb.check_target(manifest)
        postgresql.load(database, folder, manifest)
    tell(f"PostgreSQL: {manifest.rows} rows in {len(manifest.tables)} tables.")
    mongodb.load(folder, manifest)
    tell(f"MongoDB: {manifest.documents} documents.")
    _compare(manifest)
    tell("Read back: every table and collection is, byte for byte, that of the backup.")
    try:
        tell(f"Redis: {rebuild(timezone.localdate())} queues of today built anew.")
    except RedisDown:
        tell("Redis cannot be reached. Its queues are built anew as soon as it can be.")
    return manifest


def _compare(manifest: Manifest) -> None:
    with postgresql.connected() as database:
        postgresql.begin_snapshot(database)
        other = postgresql.differing(database, manifest) + mongodb.differing(manifest)
    if other:
        raise BackupError(f"What was read back is not what was in the backup: {', '.join(other)}. Do not use these stores.")
