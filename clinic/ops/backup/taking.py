import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from clinic.ops.backup import mongodb, postgresql
from clinic.ops.backup.errors import BackupError
from clinic.ops.backup.folder import Folder, Manifest


def take(path: Path, tell: Callable[[str], None]) -> Manifest:
    """A backup in a new folder, which gets its name when all of it is there. The clinic works on meanwhile.

    Raises BackupError when the folder is there already.
    """
    if path.exists():
        raise BackupError(f"{path} is there already; name a folder that is not.")
    unfinished = path.with_name(f"{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    folder = Folder(unfinished)
    with postgresql.connected() as database:
        postgresql.begin_snapshot(database)
        manifest = Manifest(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", postgresql.migrations(database))
        postgresql.dump(database, folder, manifest)
        tell(f"PostgreSQL: {manifest.rows} rows in {len(manifest.tables)} tables.")
        documents = mongodb.server()
        if documents is not None:
            mongodb.dump(documents, database, folder, manifest)
            tell(f"MongoDB: {manifest.documents} documents in {len(manifest.collections)} collections.")
        else:
            tell("MongoDB: MONGODB_URL names no server; there is nothing of it in the backup.")
    folder.write_manifest(manifest)
    unfinished.rename(path)
    return manifest
