"""Every file that gives no text is refused with a code and a remedy."""

import struct
import zipfile
from pathlib import Path

import docx
import pytest

from core.documents.extraction.limits import ExtractionLimits
from core.errors import ExtractionError
from tests.core.documents.extraction.making import pdf, read, rewritten, saved, word, workbook

ZIP_OF_NOTHING = b"PK\x05\x06" + bytes(18)


def refusal(path: Path, **arguments: object) -> ExtractionError:
    with pytest.raises(ExtractionError) as caught:
        read(path, **arguments)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("name", ["encrypted.pdf", "encrypted.xlsx"])
def test_a_password(fixtures: Path, name: str) -> None:
    error = refusal(fixtures / name)
    assert (error.code, error.retryable) == ("ENCRYPTED", False)
    assert "remove the password" in error.message


def test_a_zip_whose_members_are_encrypted(tmp_path: Path) -> None:
    path = word(tmp_path)
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    path.write_bytes(data[: start + 8] + struct.pack("<H", 1) + data[start + 10 :])
    assert refusal(path).code == "ENCRYPTED"


def test_an_office_file_of_before_2007(fixtures: Path) -> None:
    error = refusal(fixtures / "legacy.xls")
    assert error.code == "UNKNOWN_TYPE"
    assert "save as XLSX" in error.message


def test_an_office_file_of_before_2007_under_a_new_name(fixtures: Path, tmp_path: Path) -> None:
    path = saved(tmp_path, "new.docx", (fixtures / "legacy.xls").read_bytes())
    assert "save as XLSX" in refusal(path).message


def test_a_type_that_nobody_reads(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, "a.gif", b"GIF89a"), media_type="image/gif")
    assert error.code == "UNKNOWN_TYPE"
    assert "PDF, DOCX, PPTX, XLSX, HTML, EML" in error.message


def test_a_scan(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, "scan.pdf", pdf(["", ""], picture=True)))
    assert error.code == "NO_TEXT"
    assert "OCR" in error.message


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b""), ("a.pdf", b""), ("a.txt", b" \r\n\t"), ("a.html", b"<p><script>x()</script></p>")],
)
def test_nothing_in_it(tmp_path: Path, name: str, content: bytes) -> None:
    assert refusal(saved(tmp_path, name, content)).code == "EMPTY"


def test_a_document_without_words(tmp_path: Path) -> None:
    path = tmp_path / "blank.docx"
    docx.Document().save(str(path))
    assert refusal(path).code == "NO_TEXT"


TORN = pdf(["The first page has text."] * 40)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("torn.pdf", TORN[: len(TORN) // 2]),
        ("torn.pdf", b"%PDF-1.7\nnothing of use"),
        ("not.pdf", b"An error page saved under the name of what it stands for"),
        ("empty.docx", ZIP_OF_NOTHING),
        ("empty.pptx", ZIP_OF_NOTHING),
        ("empty.xlsx", ZIP_OF_NOTHING),
        ("not.xlsx", b"id,name"),
        ("noise.txt", bytes(range(256)) * 40),
        ("noise.json", bytes(range(32)) * 40),
    ],
)
def test_broken_files(tmp_path: Path, name: str, content: bytes) -> None:
    error = refusal(saved(tmp_path, name, content))
    assert error.code == "CORRUPT"
    assert "upload it again" in error.message


def test_office_files_that_lost_their_end(tmp_path: Path) -> None:
    path = word(tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])
    assert refusal(path).code == "CORRUPT"


def test_an_office_file_with_broken_xml(tmp_path: Path) -> None:
    path = rewritten(word(tmp_path), "word/document.xml", lambda xml: xml[: len(xml) // 2])
    assert refusal(path).code == "CORRUPT"


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = word(tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/media/x", "w") as member:
        for _ in range(112):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 200_000
    error = refusal(path, limits=ExtractionLimits(memory_bytes=200_000_000))
    assert error.code == "TOO_LARGE"
    assert "unpacks to 118 MB, 100 MB are allowed" in error.message


def test_a_member_that_lies_about_its_size(tmp_path: Path) -> None:
    path = rewritten(word(tmp_path), "word/document.xml", lambda xml: xml + b" " * 50_000_000)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", _size(path, "word/document.xml")), struct.pack("<L", 1000)))
    assert refusal(path).code == "CORRUPT"


def _size(path: Path, member: str) -> int:
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(member).file_size


def test_too_much_text(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, "a.txt", "word " * 21), limits=ExtractionLimits(text_characters=100))
    assert error.code == "TOO_LARGE"
    assert "100 characters" in error.message
    assert len(read(workbook(tmp_path), limits=ExtractionLimits(text_characters=100)).text) <= 100
