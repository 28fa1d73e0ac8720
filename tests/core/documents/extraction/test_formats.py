from pathlib import Path

import pytest

from core.documents.extraction import EXTENSIONS, SUPPORTED, media_type_of
from core.documents.extraction.formats import DOCX, EML, HTML, OLE, PDF, PPTX, TXT, XLSX, ZIP
from tests.core.documents.extraction.making import letter, pdf, slides, word, workbook

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a", "a.docx"])
def test_a_pdf_whatever_its_name(name: str) -> None:
    assert media_type_of(name, pdf(["x"])) == PDF


@pytest.mark.parametrize("name", ["right", "wrong.txt", "wrong.pdf", "a.zip"])
def test_office_files_whatever_their_name(tmp_path: Path, name: str) -> None:
    for make, kind in ((word, DOCX), (slides, PPTX), (workbook, XLSX)):
        data = make(tmp_path).read_bytes()
        assert media_type_of(name, data) == kind
        assert media_type_of(name, data[: len(data) // 2]) == kind


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt", b"<!DOCTYPE html><p>x", HTML),
        ("a.bin", b"\xef\xbb\xbf\n<html lang=de>", HTML),
        ("a", b"<?xml version='1.0'?>\n<!-- made by x -->\n<html xmlns='x'>", HTML),
        ("a.unknown", letter().as_bytes(), EML),
        ("a.txt", letter().as_bytes(), TXT),
        ("a.MD", b"# Title", "text/markdown"),
        ("a.b.Csv", b"a,b", "text/csv"),
        ("a.json", b"{}", "application/json"),
        ("README", b"Read this first", TXT),
        ("core", b"\x00\x01", None),
        ("a.exe", b"MZ", None),
        ("a.zip", b"PK\x03\x04" + bytes(26) + b"photos/1.jpg", ZIP),
        ("a.ZIP", b"PK\x03\x04" + bytes(26) + b"word/1.txt", ZIP),
        ("a.zip", b"PK\x05\x06", ZIP),
        ("a.epub", b"PK\x03\x04" + bytes(26) + b"mimetype", None),
        ("a.docx", b"PK\x03\x04" + bytes(26) + b"_rels/.rels", DOCX),
        ("a.txt", PNG, "image/png"),
        ("a", b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        ("a.wav", b"RIFF\x24\0\0\0WAVEfmt ", None),
        ("a.gif", b"GIF89a", None),
        ("a.doc", b"{\\rtf1", None),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
        ("locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DOCX),
        ("broken.pdf", b"no pdf", PDF),
        (".pdf.swp", b"b0VIM", None),
    ],
)
def test_media_type_of(name: str, head: bytes, kind: str | None) -> None:
    assert media_type_of(name, head) == kind


def test_every_extension_leads_to_a_supported_type() -> None:
    assert {media_type_of(f"a.{extension}", b"") for extension in EXTENSIONS} == SUPPORTED.keys() - {OLE}
