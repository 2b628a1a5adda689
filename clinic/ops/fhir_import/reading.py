"""Files of FHIR R4 JSON, read one resource at a time: bundles, single resources, and one resource a line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = (".json", ".ndjson", ".jsonl")


@dataclass(frozen=True)
class Found:
    """A resource. `place` says where it stands, for people; `urls` what the bundle around it calls its resources."""

    resource: dict
    place: str
    full_url: str = ""
    urls: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Broken:
    """Something that is no resource."""

    place: str
    reason: str


def files_of(paths: list[Path]) -> Iterator[Path | Broken]:
    """The files named, and those with a known suffix in the folders named, in the order of their names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
        elif path.is_file():
            yield path
        else:
            yield Broken(str(path), "there is no such file")


def read_file(path: Path) -> Iterator[Found | Broken]:
    """All resources of a file. A line that is broken costs that line, a broken bundle file the file."""
    try:
        if path.suffix.lower() == ".json":
            yield from _read_document(path)
        else:
            yield from _read_lines(path)
    except OSError as error:
        yield Broken(path.name, f"cannot be read: {error.strerror}")


def _read_document(path: Path) -> Iterator[Found | Broken]:
    try:
        document = _parse(path.read_bytes())
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one resource a line, under another suffix
            yield from _read_lines(path)
        else:
            yield Broken(f"{path.name}, line {error.lineno}", f"not JSON: {error.msg}")
    except (ValueError, RecursionError) as error:
        yield Broken(path.name, f"not JSON: {_words(error)}")
    else:
        yield from _resources_of(document, path.name)


def _read_lines(path: Path) -> Iterator[Found | Broken]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield from _read_line(line, f"{path.name}, line {number}")


def _read_line(line: bytes, place: str) -> Iterator[Found | Broken]:
    try:
        document = _parse(line)
    except (ValueError, RecursionError) as error:  # JSONDecodeError is a ValueError
        yield Broken(place, f"not JSON: {_words(error)}")
    else:
        yield from _resources_of(document, place)


def _parse(data: bytes):
    return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)


def _no_constant(name: str):
    raise ValueError(f"{name} is no number")


def _words(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))


def _resources_of(document, place: str) -> Iterator[Found | Broken]:
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        yield Broken(place, "no FHIR resource: it has no resourceType")
    elif document["resourceType"] == "Bundle":
        yield from _entries_of(document, place)
    else:
        yield Found(document, place)


def _entries_of(bundle: dict, place: str) -> Iterator[Found | Broken]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        yield Broken(place, "the bundle's entry is not a list")
        return
    urls = dict(filter(None, (_url_of(entry) for entry in entries)))
    for number, entry in enumerate(entries):
        where = f"{place}, entry {number}"
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            yield Broken(where, "the entry has no resource with a resourceType")
        elif resource["resourceType"] == "Bundle":
            yield from _entries_of(resource, where)
        else:
            full_url = entry.get("fullUrl")
            yield Found(resource, where, full_url if isinstance(full_url, str) else "", urls)


def _url_of(entry) -> tuple[str, str] | None:
    """('urn:uuid:...', 'Patient/...') of an entry."""
    resource = entry.get("resource") if isinstance(entry, dict) else None
    url = entry.get("fullUrl") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not isinstance(url, str):
        return None
    return url, f"{resource.get('resourceType')}/{id_of(resource, url)}"


def id_of(resource: dict, full_url: str = "") -> str:
    """The resource's id; what its URL ends in when a transaction bundle leaves the id to the server; "" for neither."""
    given = resource.get("id")
    if isinstance(given, str) and given:
        return given
    return full_url.removeprefix("urn:uuid:").removeprefix("urn:oid:").rpartition("/")[2]
