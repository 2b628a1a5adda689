"""The folder of a backup: one packed file for each table and collection, and a manifest that says what is in them."""

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from clinic.ops.backup.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
PACKED = 1  # the fastest of gzip's levels
CHUNK = 1 << 20


@dataclass(frozen=True)
class Part:
    """What stands in one file, unpacked: so many rows or documents, with that SHA-256. `columns` of a table."""

    count: int
    sha256: str
    columns: list[str] = field(default_factory=list)


@dataclass
class Manifest:
    made_at: str
    migrations: list[str]
    tables: dict[str, Part] = field(default_factory=dict)
    sequences: dict[str, list] = field(default_factory=dict)  # name: [last value, whether it was given out]
    collections: dict[str, Part] | None = None  # None: there was no MongoDB
    format: int = FORMAT

    @property
    def rows(self) -> int:
        return sum(part.count for part in self.tables.values())

    @property
    def documents(self) -> int:
        return sum(part.count for part in (self.collections or {}).values())


class Folder:
    def __init__(self, path: Path):
        self.path = path

    def file(self, store: str, name: str) -> Path:
        return self.path / store / f"{name}.gz"

    def write(self, store: str, name: str, pieces: Iterable[bytes]) -> str:
        """The SHA-256 of all pieces."""
        path, seen = self.file(store, name), hashlib.sha256()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as plain:
            with gzip.GzipFile(fileobj=plain, mode="wb", compresslevel=PACKED, mtime=0) as packed:
                for piece in pieces:
                    seen.update(piece)
                    packed.write(piece)
            plain.flush()
            os.fsync(plain.fileno())
        return seen.hexdigest()

    def read(self, store: str, name: str) -> Iterator[bytes]:
        with gzip.open(self.file(store, name)) as packed:
            while piece := packed.read(CHUNK):
                yield piece

    def write_manifest(self, manifest: Manifest) -> None:
        (self.path / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))

    def manifest(self) -> Manifest:
        """Raises BackupError when it is none, or of a format that is not known here."""
        try:
            found = json.loads((self.path / MANIFEST).read_text())
        except (OSError, ValueError) as error:
            raise BackupError(f"{self.path} is no backup, or one that was cut off: its {MANIFEST} cannot be read.") from error
        if found.get("format") != FORMAT:
            raise BackupError(f"{self.path} has the format {found.get('format')}; this is format {FORMAT}.")
        parts = {name: {key: Part(**part) for key, part in (found[name] or {}).items()} for name in ("tables", "collections")}
        return Manifest(**found | parts | ({} if found["collections"] is not None else {"collections": None}))

    def check(self, manifest: Manifest, tell: Callable[[str], None]) -> None:
        """Every file is there and is what the manifest says. Raises BackupError for the first that is not."""
        for store, parts in (("postgresql", manifest.tables), ("mongodb", manifest.collections or {})):
            for name, part in parts.items():
                try:
                    found = sha256_of(self.read(store, name))
                except (OSError, EOFError) as error:
                    raise BackupError(f"{self.file(store, name)} cannot be read: {error}.") from error
                if found != part.sha256:
                    raise BackupError(f"{self.file(store, name)} is not what was written.")
        tell(f"The backup of {manifest.made_at} is whole: {manifest.rows} rows, {manifest.documents} documents.")


def sha256_of(pieces: Iterable[bytes]) -> str:
    seen = hashlib.sha256()
    for piece in pieces:
        seen.update(piece)
    return seen.hexdigest()
