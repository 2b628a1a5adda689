"""What a file really is, and whether it can do harm. Nothing here believes a name or a header."""

import io
import re
import warnings
import zipfile
from pathlib import PurePosixPath

from PIL import Image, ImageOps, UnidentifiedImageError
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from patients.models.attachment import LARGEST_FILE, ContentType

MOST_PIXELS = 40_000_000
MOST_PAGES = 300
MOST_OBJECTS = 20_000
_ENDINGS = {ContentType.JPEG: ".jpg", ContentType.PNG: ".png", ContentType.PDF: ".pdf"}
# What a PDF may not carry: it runs, opens, sends, or hides something.
_ACTIVE = {"/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/RichMedia", "/XFA"}
_ACTIVE |= {"/SubmitForm", "/ImportData", "/GoToE"}


class RefusedFile(ValueError):
    """Its message is for the person."""


def clean_file(content: bytes) -> tuple[ContentType, bytes]:
    """(type, what to keep): an image is drawn anew without what its maker added, a PDF is read whole. Raises RefusedFile."""
    if not content:
        raise RefusedFile("The file is empty.")
    if len(content) > LARGEST_FILE:
        raise RefusedFile(f"At most {LARGEST_FILE // 1024 // 1024} MB.")
    if content.startswith(b"%PDF-"):
        _check_pdf(content)
        return ContentType.PDF, content
    return _redraw(content)


def clean_name(name: str, content_type: ContentType) -> str:
    """The file's own name without folders, control characters and ending, and with the ending of its type."""
    stem = PurePosixPath(name.replace("\\", "/")).name
    stem = re.sub(r"[^\w \-()\.,]", "_", stem).strip(" .")
    stem = stem.rsplit(".", 1)[0] if "." in stem else stem
    return f"{stem[:100].strip(' .') or 'file'}{_ENDINGS[content_type]}"


def _redraw(content: bytes) -> tuple[ContentType, bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG"])
            kind, size = image.format, image.size
            if size[0] * size[1] > MOST_PIXELS:
                raise RefusedFile(f"At most {MOST_PIXELS // 1_000_000} million pixels.")
            upright = ImageOps.exif_transpose(image)
    except UnidentifiedImageError as error:
        raise RefusedFile("Only JPEG and PNG images and PDF files are kept here.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedFile(f"At most {MOST_PIXELS // 1_000_000} million pixels.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, RefusedFile):
            raise
        raise RefusedFile("This image cannot be read to its end.") from error
    return _draw(upright, kind)


def _draw(image: Image.Image, kind: str) -> tuple[ContentType, bytes]:
    into = io.BytesIO()
    if kind == "JPEG":
        plain = image if image.mode in {"L", "RGB"} else image.convert("RGB")
        plain.info = {}
        plain.save(into, "JPEG", quality=90)
    else:
        plain = image if image.mode in {"L", "LA", "RGB", "RGBA"} else image.convert("RGBA")
        plain.info = {}
        plain.save(into, "PNG")
    drawn = into.getvalue()
    if len(drawn) > LARGEST_FILE:
        raise RefusedFile(f"At most {LARGEST_FILE // 1024 // 1024} MB.")
    return (ContentType.JPEG if kind == "JPEG" else ContentType.PNG), drawn


def _check_pdf(content: bytes) -> None:
    if zipfile.is_zipfile(io.BytesIO(content)) or b"%%EOF" not in content[-1024:]:
        raise RefusedFile("This is not a plain PDF file.")
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise RefusedFile("This PDF is locked with a password. Save it without one first.")
        if len(reader.pages) not in range(1, MOST_PAGES + 1):
            raise RefusedFile(f"A PDF of 1 to {MOST_PAGES} pages.")
        found = _active_of(reader)
    except RefusedFile:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError, AssertionError) as error:
        raise RefusedFile("This PDF cannot be read.") from error
    if found:
        raise RefusedFile(f"This PDF carries active content ({found[1:]}). Print it to a plain PDF first.")


def _active_of(reader: PdfReader) -> str:
    """The first active name anywhere in the file, in objects that no page uses as well; "" without one."""
    waiting = [reader.trailer]
    ids = [(number, generation) for generation, numbers in reader.xref.items() for number in numbers]
    ids += [(number, 0) for number in reader.xref_objStm]
    if len(ids) > MOST_OBJECTS:
        raise RefusedFile("This PDF has too many parts.")
    waiting += [reader.get_object(IndirectObject(number, generation, reader)) for number, generation in ids if number]
    looked = 0
    while waiting:
        each = waiting.pop()
        looked += 1
        if looked > MOST_OBJECTS * 20:
            raise RefusedFile("This PDF has too many parts.")
        if isinstance(each, DictionaryObject):
            names = set(each) | {value for value in each.values() if isinstance(value, str)}
            if active := sorted(names & _ACTIVE):
                return active[0]
            waiting += [value for value in dict.values(each) if isinstance(value, DictionaryObject | ArrayObject)]
        elif isinstance(each, ArrayObject):
            waiting += [value for value in list.__iter__(each) if isinstance(value, DictionaryObject | ArrayObject)]
    return ""
