"""What is kept of a file, and what is refused."""

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from patients.rules import files
from patients.rules.files import RefusedFile, clean_file, clean_name


def image(kind="JPEG", size=(8, 6), mode="RGB", **how) -> bytes:
    into = io.BytesIO()
    Image.new(mode, size, "white").save(into, kind, **how)
    return into.getvalue()


def pdf(change=None, **how) -> bytes:
    writer, into = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    if change:
        change(writer)
    writer.write(into)
    return into.getvalue()


def with_script(writer):
    script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer._root_object[NameObject("/Names")] = DictionaryObject({NameObject("/Script"): DictionaryObject(script)})


def hidden_object(writer):
    """Active content that no page and no catalog points at."""
    writer._add_object(DictionaryObject({NameObject("/S"): NameObject("/Launch")}))


def bomb_of_pixels() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in a few bytes."""
    content = image("PNG", size=(1, 1))
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return content[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]


def archive() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as zipped:
        zipped.writestr("run.exe", "MZ")
    return into.getvalue()


def test_image_is_drawn_anew_without_what_the_camera_added():
    exif = Image.Exif()
    exif[0x010E] = "Taken at 52.1 N"

    kind, kept = clean_file(image(exif=exif) + b"<script>alert(1)</script>")

    assert kind == "image/jpeg"
    assert b"Taken at" not in kept
    assert b"script" not in kept
    assert Image.open(io.BytesIO(kept)).size == (8, 6)


def test_photo_taken_on_its_side_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6

    assert Image.open(io.BytesIO(clean_file(image(exif=exif))[1])).size == (6, 8)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16"])
def test_png_of_any_mode_is_kept(mode):
    into = io.BytesIO()
    Image.new(mode, (4, 4)).save(into, "PNG")

    assert clean_file(into.getvalue())[0] == "image/png"


def test_plain_pdf_is_kept_as_it_is():
    content = pdf()

    assert clean_file(content) == ("application/pdf", content)


@pytest.mark.parametrize(
    "change",
    [
        with_script,
        lambda writer: writer.add_attachment("run.exe", b"MZ"),
        lambda writer: writer._root_object.update({NameObject("/OpenAction"): DictionaryObject({NameObject("/S"): NameObject("/Launch")})}),
        lambda writer: writer.pages[0].update({NameObject("/AA"): DictionaryObject()}),
        lambda writer: writer._root_object.update({NameObject("/A#41"): TextStringObject("x"), NameObject("/JS"): TextStringObject("x")}),
        hidden_object,
    ],
    ids=["javascript", "embedded", "open action", "page action", "js", "hidden"],
)
def test_pdf_with_active_content_is_refused(change):
    with pytest.raises(RefusedFile, match="active content"):
        clean_file(pdf(change))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script></html>",
        b"GIF89a<script>alert(1)</script>",
        b"MZ" + b"\0" * 200,
        b"%PDF-1.4",
        b"%PDF-1.4 <html>\n%%EOF",
        image()[:100],
        image("PNG")[:40],
        image("GIF"),
        image("BMP"),
        bomb_of_pixels(),
        archive(),
        pdf() + archive(),
        pdf(lambda writer: writer.encrypt("secret")),
        b"%PDF-1.7\n" + b"\0" * 2000,
    ],
)
def test_what_is_no_plain_image_or_pdf_is_refused_in_words(content):
    with pytest.raises(RefusedFile, match=r"\w+\.$"):
        clean_file(content)


def test_too_large_a_file_is_refused(monkeypatch):
    monkeypatch.setattr(files, "LARGEST_FILE", 100)

    with pytest.raises(RefusedFile, match="At most"):
        clean_file(b"\xff\xd8" + b"0" * 100)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("X ray.jpeg", "X ray.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\scans\\knee.html", "knee.png"),
        ('a"\r\nSet-Cookie: x.png', "a___Set-Cookie_ x.png"),
        ("", "file.png"),
        ("...", "file.png"),
        ("é" * 300, "é" * 100 + ".png"),
    ],
)
def test_name_is_of_the_type_and_of_no_folder(name, kept):
    assert clean_name(name, files.ContentType.PNG) == kept
