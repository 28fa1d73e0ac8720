"""Mails that Outlook saves, and what it packs into winmail.dat."""

import struct
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from core.documents.extraction import mapi, outlook, rtf, tnef
from core.errors import ExtractionError
from tests.core.documents.extraction.compound import Folder, compound
from tests.core.documents.extraction.making import pdf, read_here, saved, zipped

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
SENT = 133_700_000_000_000_000  # in September 2024


def stream(key: int, value: str | bytes) -> dict[str, bytes]:
    data = value.encode("utf-16-le") if isinstance(value, str) else value
    return {f"__substg1.0_{key:04X}{0x1F if isinstance(value, str) else 0x102:04X}": data}


def properties(before: int, **numbers: int) -> dict[str, bytes]:
    kinds = {"sent": (mapi.SENT, 0x40), "page": (mapi.CODE_PAGE, 3), "strings": (0x3FFD, 3), "flags": (mapi.FLAGS, 3)}
    lines = b"".join(struct.pack("<HHIQ", kinds[name][1], kinds[name][0], 6, n) for name, n in numbers.items())
    return {outlook.PROPERTIES: bytes(before) + lines}


def attached(name: str, data: bytes, kind: str = "application/octet-stream") -> Folder:
    return {**properties(8), **stream(mapi.LONG_NAME, name), **stream(mapi.DATA, data), **stream(mapi.MIME, kind)}


def mail(subject: str, body: dict[str, bytes], before: int = 32, **others: Any) -> Folder:
    head = stream(mapi.SUBJECT, subject) | stream(mapi.SENDER, "Zoë") | stream(mapi.SENDER_SMTP, "zoe@example.org")
    return {**properties(before, sent=SENT, page=1252), **head, **stream(mapi.TO, "Bob"), **body, **others}


def read(folder: Path, name: str, data: bytes) -> Any:
    return read_here(saved(folder, name, data))


def test_a_mail_of_outlook_is_read_with_all_that_came_with_it(tmp_path: Path) -> None:
    inside = mail("Inside", stream(mapi.BODY, "The second mail."), 24)
    folders: dict[str, Any] = {
        "__attach_version1.0_#00000000": attached("Größe.pdf", pdf(["Page of a contract."]), "application/pdf"),
        "__attach_version1.0_#00000001": {**properties(8), "__substg1.0_3701000D": inside},
        "__attach_version1.0_#00000002": attached("tool.exe", b"MZ\0\1"),
        "__attach_version1.0_#00000003": attached("all.zip", zipped({"note.txt": "In the archive.", "b.exe": b"MZ"})),
    }
    body = stream(mapi.BODY, "See the contract.\r\n") | stream(
        mapi.HTML, "<p>See the contract, für 40.".encode("cp1252")
    )
    text, left_out = read(tmp_path, "a.msg", compound(mail("Pumps", body, **folders)))
    for said in (
        "From: Zoë <zoe@example.org>\nTo: Bob\nSubject: Pumps\nDate: ",
        "See the contract, für 40.",
        "Attachment: Größe.pdf\n\nPage of a contract.",
        "Attachment: Inside\n\nFrom: Zoë",
        "The second mail.",
        "Attachment: tool.exe (not read)",
        "Attachment: all.zip\n\nAttachment: note.txt\n\nIn the archive.\n\nAttachment: b.exe (not read)",
    ):
        assert said in text
    assert left_out == {"ATTACHMENTS_UNREAD": (2, [])}


@pytest.mark.parametrize(
    ("pages", "charset", "said"),
    [
        ({"page": 950}, "big5", "格式測試"),
        ({"page": 65001, "strings": 1251}, "cp1251", "Сообщение"),
        ({"page": 20127}, "cp1252", "für 5 €"),
        ({}, "cp1252", "für 5 €"),
    ],
)
def test_texts_that_are_not_in_unicode(tmp_path: Path, pages: dict[str, int], charset: str, said: str) -> None:
    letter = {**properties(32, **pages), f"__substg1.0_{mapi.BODY:04X}001E": said.encode(charset)}
    assert read(tmp_path, "a.msg", compound(letter)) == (said, {})


def test_pictures_of_the_body_are_no_files_that_came_with_it(tmp_path: Path) -> None:
    picture = attached("logo.png", PNG, "image/png")
    body = {**picture, **properties(8, flags=4)}
    folders: dict[str, Any] = {f"__attach_version1.0_#0000000{n}": one for n, one in enumerate((picture, body))}
    _, left_out = read(tmp_path, "a.msg", compound(mail("Logo", stream(mapi.BODY, "See."), **folders)))
    assert left_out == {"ATTACHMENTS_UNREAD": (1, []), "PICTURES_UNREAD": (1, [])}


def test_a_body_that_is_rtf_alone(tmp_path: Path) -> None:
    said = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Liability is capped\par at 5\'80 net.}"
    packed = b"\0" * 4 + struct.pack("<I", len(said)) + b"MELA" + b"\0" * 4 + said
    text, left_out = read(tmp_path, "a.msg", compound(mail("RTF", stream(mapi.RTF, packed))))
    assert "Liability is capped\nat 5\N{EURO SIGN} net." in text
    assert left_out == {}


@pytest.mark.parametrize(
    ("packed", "said"),  # the examples of MS-OXRTFCP
    [
        (
            "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
        ),
        (
            "1a0000001c0000004c5a4675e2d44b5141000420 5758595a0d6e7d010eb0",
            b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
        ),
        ("00" * 40, b""),
    ],
)
def test_rtf_that_is_packed(packed: str, said: bytes) -> None:
    data = bytes.fromhex(packed)
    assert rtf.decompressed(data) == said
    for end in range(len(data)):
        rtf.decompressed(data[:end])


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (rb"{\rtf1 a\b b\b0  c{\*\generator x;}{\info{\title t}}\par d}", "ab c\nd"),
        (rb"{\rtf1\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\f0 x\htmlrtf0 Words\htmlrtf }\htmlrtf0 }", "Words"),
        (rb"{\rtf1\trowd A\cell B\cell\row C\cell D\cell\row}", "A\tB\nC\tD"),
        (rb"{\rtf1\uc1 \u1040?\u8211-\{x\}}", "\u0410\u2013{x}"),
        (rb"{\rtf1 one{\pict 0102}\bin3 abc two", "one two"),
        (b"{\\rtf1 " + b"{" * 50_000 + b"deep", "deep"),
    ],
)
def test_words_of_rtf(said: bytes, text: str) -> None:
    assert rtf.text(said) == text


@pytest.mark.parametrize("case", ["empty", "text", "no mail", "cut off"])
def test_what_is_no_mail(case: str) -> None:
    whole = compound(mail("x", {}))
    data = {"empty": b"", "text": b"no", "no mail": compound({"other": b"x"}), "cut off": whole[:700]}[case]
    with pytest.raises(ExtractionError):
        outlook.message(data)


def attribute(level: int, name: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 0, len(data)) + data + b"\0\0"


def winmail(*attributes: bytes) -> bytes:
    return tnef.SIGNATURE + b"\0\1" + b"".join(attributes)


def test_winmail_is_read_into_its_mail(tmp_path: Path) -> None:
    name = "Übersicht.txt".encode("utf-16-le") + b"\0\0"
    long_name = struct.pack("<IHHII", 1, 0x1F, mapi.LONG_NAME, 1, len(name)) + name + b"\0" * (-len(name) % 4)
    packed = winmail(
        attribute(1, 0x9007, struct.pack("<I", 1252)),
        *(attribute(2, 0x9002, bytes(14)), attribute(2, 0x8010, b"UBERSI~1.TXT\0")),
        *(attribute(2, 0x800F, b"What was packed."), attribute(2, 0x9005, long_name)),
        *(attribute(2, 0x9002, bytes(14)), attribute(2, 0x8010, b"x.exe\0"), attribute(2, 0x800F, b"MZ\0")),
    )
    message = EmailMessage()
    message["Subject"] = "Packed"
    message.set_content("See what came with it.")
    message.add_attachment(packed, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    text, left_out = read(tmp_path, "a.eml", message.as_bytes())
    assert "Attachment: winmail.dat\n\nAttachment: Übersicht.txt\n\nWhat was packed." in text
    assert "Attachment: x.exe (not read)" in text
    assert left_out == {"ATTACHMENTS_UNREAD": (1, [])}
    for end in range(len(tnef.SIGNATURE), len(packed)):
        with suppress(ExtractionError):
            tnef.message(packed[:end])  # whatever is missing, it ends


@pytest.mark.parametrize("kind", ["IPM.Appointment", "IPM.Schedule.Meeting.Request", "IPM.Task", "IPM.Contact"])
def test_what_is_more_than_a_mail_says_that_its_fields_are_not_read(tmp_path: Path, kind: str) -> None:
    said = mail("Pumps", {**stream(mapi.BODY, "Bring the plans."), **stream(mapi.CLASS, kind)})
    assert read(tmp_path, "pumps.msg", compound(said))[1] == {"PARTS_UNREAD": (1, [])}
    assert not read(tmp_path, "mail.msg", compound(mail("Pumps", stream(mapi.CLASS, "IPM.Note"))))[1]
