"""A mail is read whole: its body whatever parts it hides in, and what came with it."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from core.documents.extraction import appointments, smime
from core.documents.extraction import mail as mail_reader
from core.documents.extraction.formats import OLE_SIGNATURE
from core.documents.extraction.pages import Pages
from core.errors import ExtractionError
from tests.core.documents.extraction.making import (
    LeftOut,
    drawn_pdf,
    pdf,
    read,
    read_here,
    saved,
    slides,
    word,
    workbook,
)

WORDS = "BT /F 12 Tf 72 700 Td (Typed words.) Tj ET "
SCAN = "q 600 0 0 800 0 0 cm /Scan Do Q "
HEAD = "From: zoe@example.org\nSubject: Pumps\n"
SHOWN_HEAD = "From: zoe@example.org\nSubject: Pumps\n\n"


def part(kind: str, text: str, *more: str) -> str:
    return "\n".join([f"Content-Type: {kind}", *more, "", text])


def several(kind: str, *parts: str, mark: str = "b") -> str:
    inside = "".join(f"--{mark}\n{one}\n" for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n{inside}--{mark}--\n'


def mail(folder: Path, rest: str | bytes, before: str = "") -> tuple[str, LeftOut]:
    """The text below the headers, and what it lacks."""
    raw = f"{before}{HEAD}".encode() + (rest if isinstance(rest, bytes) else rest.encode())
    text, lacks = read_here(saved(folder, "a.eml", raw))
    assert text.startswith(SHOWN_HEAD.strip())
    return text.removeprefix(SHOWN_HEAD.strip()).strip(), lacks


INLINE = 'Content-Disposition: inline; filename="text.txt"'
SAME_HTML = part("text/html", "<p>Delivery is on <b>3 June</b>.")
INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
DTSTART:19700101T000000
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.org
SUMMARY:Handover of pump 4711\\, north
DTSTART;TZID=Europe/Berlin:20260603T093000
DTEND:20260603T080000Z
LOCATION:Hall
  7
ORGANIZER;CN="Zoë: Müller":mailto:zoe@example.org
ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
END:VCALENDAR"""
INVITED = """Summary: Handover of pump 4711, north
Start: 2026-06-03 09:30 (Europe/Berlin)
End: 2026-06-03 08:00 UTC
Location: Hall 7
Organizer: Zoë: Müller <zoe@example.org>
Attendee: bob@example.org, declined"""


@pytest.mark.parametrize(
    ("rest", "body"),
    [
        (part('text/plain; name="text.txt"', "Delivery is on 3 June.", INLINE), "Delivery is on 3 June."),
        (several("mixed", part("text/html", "<p>Delivery is on 3 June.", INLINE)), "Delivery is on 3 June."),
        (several("related", part("text/html; name=a.html", "<p>Due on 3 June.")), "Due on 3 June."),
        (
            several(
                "mixed", several("related", part("text/html; name=a", "Due."), mark="c"), part("text/plain", "Bye.")
            ),
            "Due.\n\nBye.",
        ),
        (
            several("alternative", part("text/plain", "DELIVERY\n* 3 June"), part("text/html", "<p>Delivery<p>3 June")),
            "DELIVERY\n* 3 June",
        ),
        (several("alternative", part("text/plain", " \n"), SAME_HTML), "Delivery is on 3 June."),
        (several("alternative", part("text/plain", "Delivery is on 3 June."), SAME_HTML), "Delivery is on 3 June."),
        (several("alternative", SAME_HTML, part("text/plain; name=a", "Due.", INLINE)), "Delivery is on 3 June."),
        (several("alternative", part("text/plain", "Delivery is soon."), SAME_HTML), "Delivery is on 3 June."),
        (
            several("alternative", part("text/plain", "To see this, use a browser."), SAME_HTML),
            "Delivery is on 3 June.\n\nTo see this, use a browser.",
        ),
        (
            several("alternative", part("text/plain", "Delivery is on 5 June."), SAME_HTML),
            "Delivery is on 3 June.\n\nDelivery is on 5 June.",
        ),
        (part("text/plain; charset=x-unknown", "Größe 7"), "Größe 7"),
        (b"Content-Type: text/plain; charset=nonsense\n\nGr\xf6\xdfe 7", "Größe 7"),
        (part("text/plain; charset=us-ascii", "R3LDtsOfZSA3", "Content-Transfer-Encoding: BASE64"), "Größe 7"),
        (part("text/plain", "Gr=C3=B6=\n=C3=9Fe 7", "Content-Transfer-Encoding: quoted-printable"), "Größe 7"),
        (part("text", "Words."), "Words."),
        (part("multipart/mixed", "No boundary."), "No boundary."),
        ('Content-Type: multipart/mixed; boundary="c"\n\n--b\n\nLost mark.\n--b--', "--b\n\nLost mark.\n--b--"),
        (part("text/enriched", "<bold>Due</bold> on 3 June."), "Due on 3 June."),
        (several("alternative", part("text/plain", "Due."), part("text/watch-html", "<b>Due.</b>")), "Due."),
        (several("mixed", part("text/plain", "Due."), part("application/applefile; name=x", "AAUW")), "Due."),
        (part("text/calendar", INVITATION), INVITED),
        (
            several("alternative", part("text/plain", "Please come."), part("text/calendar", INVITATION)),
            f"Please come.\n\n{INVITED}",
        ),
        (
            several("signed", part("text/plain", "Signed."), part("application/pgp-signature", "iQ", "X: y")),
            "Signed.",
        ),
    ],
)
def test_the_body_is_read_whatever_part_it_hides_in(tmp_path: Path, rest: str | bytes, body: str) -> None:
    assert mail(tmp_path, rest) == (body, {})


@pytest.mark.parametrize("before", ["\ufeff", "\r\n\n"])
def test_what_stands_before_the_headers_makes_no_body_of_them(tmp_path: Path, before: str) -> None:
    assert mail(tmp_path, "\nDue on 3 June.", before) == ("Due on 3 June.", {})


def test_a_picture_of_a_form_that_is_not_shown_is_named(tmp_path: Path) -> None:
    forms = part("text/plain", "Hello."), part("text/html", '<p>Hello.<img src="https://example.org/a.png">')
    assert mail(tmp_path, several("alternative", *forms)) == ("Hello.", {"PICTURES_UNREAD": (1, [])})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("DTSTART;VALUE=DATE:20260603\nDTEND;VALUE=DATE:20260605", "Start: 2026-06-03\nEnd: 2026-06-04"),
        ("METHOD:CANCEL\nDTSTART:soon", "Method: CANCEL\nStart: soon"),
        ("DTSTART:20269999\nRDATE:20260603T0930,20260604", "Start: 20269999\nAlso on: 2026-06-03 09:30, 2026-06-04"),
        ("DESCRIPTION:One\\nTwo\\; three\nX-OWN:4\nUID:5", "Description: One\nTwo; three"),
        ("no calendar", "no calendar"),
    ],
)
def test_appointments(written: str, read: str) -> None:
    assert appointments.shown(written) == read


SEALED = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"


@pytest.mark.parametrize(
    "rest",
    [
        part("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "MIA"),
        several("encrypted", part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", SEALED)),
        part("text/plain", SEALED),
    ],
)
def test_a_mail_that_is_all_encrypted_says_so(tmp_path: Path, rest: str) -> None:
    with pytest.raises(ExtractionError, match="by PGP") as caught:
        mail(tmp_path, rest)
    assert caught.value.code == "ENCRYPTED"
    body = several("mixed", part("text/plain", "As agreed:"), rest, mark="outer")
    assert mail(tmp_path, body) == ("As agreed:", {"ENCRYPTED_UNREAD": (1, [])})


def attached(kind: str, name: str, data: bytes, *more: str) -> str:
    disposition = f'Content-Disposition: attachment; filename="{name}"'
    return part(kind, base64.encodebytes(data).decode(), "Content-Transfer-Encoding: base64", disposition, *more)


def forwarded(inner: str, *more: str) -> str:
    return part("message/rfc822", inner, *more)


BINARY = "application/octet-stream"
UNREAD = {"ATTACHMENTS_UNREAD": (1, [])}
OLDER = "Subject: Older\nFrom: bob@example.org\nContent-Type: text/plain\n\nIt took 40 minutes."
SHOWN_OLDER = "From: bob@example.org\nSubject: Older\n\nIt took 40 minutes."
BOUNCE = "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; zoe@example.org\nStatus: 5.1.1\n"


@pytest.mark.parametrize(
    ("came", "text", "lacks"),
    [
        (attached("text/csv; charset=cp865", "a.csv", "smør;4".encode("cp865")), "Attachment: a.csv\n\nsmør;4", {}),
        (attached(BINARY, "prices.csv", b"a;b"), "Attachment: prices.csv\n\na;b", {}),
        (part("text/plain", "a;b", 'Content-Disposition: inline; filename="x"'), "Attachment: x\n\na;b", {}),
        (attached("text/x-log", "x.unknown", b"a;b"), "Attachment: x.unknown\n\na;b", {}),
        (attached("text/html", "x.htm", b"<p>One<p>Two"), "Attachment: x.htm\n\nOne\n\nTwo", {}),
        (attached("text/html", "x", b"<p>One<p>Two"), "Attachment: x\n\nOne\n\nTwo", {}),
        (attached(BINARY, "x.pdf", pdf(["One.", "Two."])), "Attachment: x.pdf\n\nOne.\n\nTwo.", {}),
        (attached("application/pdf", "x", pdf(["One."])), "Attachment: x\n\nOne.", {}),
        (attached(BINARY, "a.ics", INVITATION.encode()), f"Attachment: a.ics\n\n{INVITED}", {}),
        (forwarded(OLDER), f"Attachment: Older\n\n{SHOWN_OLDER}", {}),
        (attached(BINARY, "a.eml", OLDER.encode()), f"Attachment: a.eml\n\n{SHOWN_OLDER}", {}),
        (
            forwarded(base64.encodebytes(OLDER.encode()).decode(), "Content-Transfer-Encoding: base64"),
            f"Attachment: Older\n\n{SHOWN_OLDER}",
            {},
        ),
        (
            forwarded(several("mixed", part("text/plain", "See it."), attached("text/plain", "in.txt", b"Deep."))),
            "Attachment: message\n\nSee it.\n\nAttachment: in.txt\n\nDeep.",
            {},
        ),
        (
            part("message/delivery-status", BOUNCE),
            "Attachment: message/delivery-status\n\n" + BOUNCE.strip(),
            {},
        ),
        (
            attached("text/plain; charset=utf-8", "a.txt", "größer ".encode() * 40 + b"\xc3 end\0"),
            f"Attachment: a.txt\n\n{'größer ' * 40}\ufffd end",
            {"CHARACTERS_UNREAD": (2, [1])},
        ),
        (attached("text/plain", "none.txt", b"\n"), "Attachment: none.txt (empty)", {}),
        (
            part("message/external-body; access-type=URL", "Content-Type: text/plain\n\n"),
            "Attachment: message/external-body (not read)",
            UNREAD,
        ),
        (attached(BINARY, "winmail.dat", b"\x78\x9f\x3e\x22\0"), "Attachment: winmail.dat (not read)", UNREAD),
        (attached("text/plain", "x.txt", b"\x89PNG\0\0\0\0\1\2\3"), "Attachment: x.txt (not read)", UNREAD),
        (attached("text/rtf", "x.rtf", b"{\\rtf1 a}"), "Attachment: x.rtf (not read)", UNREAD),
        (attached(BINARY, "x.pdf", b"%PDF-1.4 broken"), "Attachment: x.pdf (not read)", UNREAD),
        (attached(BINARY, "x.pdf", pdf(["1"], picture=True)), "Attachment: x.pdf (not read)", UNREAD),
        (attached(BINARY, "x.docx", b"PK\3\4 broken"), "Attachment: x.docx (not read)", UNREAD),
        (attached("application/msword", "x.doc", OLE_SIGNATURE + b"\0"), "Attachment: x.doc (not read)", UNREAD),
        (attached(BINARY, "x.asc", SEALED.encode()), "Attachment: x.asc (not read)", {"ENCRYPTED_UNREAD": (1, [])}),
        (forwarded(part("text/plain", SEALED)), "Attachment: message (empty)", {"ENCRYPTED_UNREAD": (1, [])}),
    ],
)
def test_what_came_with_a_mail_stands_under_its_name(tmp_path: Path, came: str, text: str, lacks: LeftOut) -> None:
    rest = several("mixed", part("text/plain", "See what came."), came, mark="outer")
    assert mail(tmp_path, rest) == (f"See what came.\n\n{text}", lacks)


def test_office_files_of_a_mail_are_read_in_the_sandbox(tmp_path: Path) -> None:
    """One after the other, and what each of them lacks is told; a quote of any is found in the one text."""
    files = [word(tmp_path), slides(tmp_path), workbook(tmp_path), saved(tmp_path, "a.pdf", drawn_pdf([SCAN, WORDS]))]
    parts = [attached(BINARY, file.name, file.read_bytes()) for file in files]
    got = read(saved(tmp_path, "a.eml", HEAD + several("mixed", forwarded(several("mixed", *parts)), mark="outer")))
    assert [got.text.count(f"Attachment: {file.name}\n\n") for file in files] == [1, 1, 1, 1]
    for words in ("48,000 euros", "Say it slowly.", "Typed words."):
        assert words in got.text
    assert [(one.code, one.count, one.pages) for one in got.warnings] == [("PAGES_WITHOUT_TEXT", 1, ())]


@pytest.mark.parametrize(("name", "most"), [("MOST_FILES", 2), ("MOST_BYTES", 7), ("MOST_DEPTH", 1)])
def test_what_is_beyond_a_bound_is_named(tmp_path: Path, name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_reader, name, most)
    twice = forwarded("Subject: One\n" + several("mixed", forwarded("Subject: Two\n\nDeep."), mark="deep"))
    parts = [attached("text/plain", "a.txt", b"Four"), attached("text/plain", "b.txt", b"More."), twice]
    text, lacks = mail(tmp_path, several("mixed", *parts, mark="outer"))
    assert text.count("(not read)") == 1 or name == "MOST_FILES"
    assert lacks == {"ATTACHMENTS_UNREAD": (text.count("(not read)"), [])}
    assert "Four" in text


@pytest.mark.parametrize("came", [attached("text/plain", "a.txt", b"x" * 500), forwarded("\n" + "x" * 500)])
def test_attachments_end_where_the_text_would_be_too_long(tmp_path: Path, came: str) -> None:
    path = saved(tmp_path, "a.eml", HEAD + several("mixed", *(came,) * 3))
    pages = Pages(1300, lambda done, total: None)
    mail_reader.read(path, pages)
    assert pages.text().count("x" * 500) == 2
    assert pages.left_out() == [("ATTACHMENTS_UNREAD", 1, [])]


def test_mails_nested_without_end(tmp_path: Path) -> None:
    def nested(depth: int) -> str:
        head = "Subject: x\nContent-Type: message/rfc822\n\n"
        return head.removeprefix("Subject: x\n") + head * depth + "\n\nDeep."

    text, lacks = mail(tmp_path, nested(40))
    assert text.count("Attachment: x") == 11
    assert lacks == UNREAD
    with pytest.raises(ExtractionError, match="nested too deep"):
        mail(tmp_path, nested(2000))


def element(tag: int, *inside: bytes) -> bytes:
    data = b"".join(inside)
    size = len(data).to_bytes(2, "big")
    return bytes([tag, 0x82]) + size + data


def open_ended(tag: int, *inside: bytes) -> bytes:
    """As programs write that do not know the length before."""
    return bytes([tag, 0x80]) + b"".join(inside) + b"\0\0"


def signed(inner: bytes, kind: str = "2a864886f70d010702", wrap: Callable[..., bytes] = element) -> bytes:
    half = len(inner) // 2
    octets = wrap(0x24, element(0x04, inner[:half]), element(0x04, inner[half:]))
    content = wrap(0x30, element(0x06, bytes.fromhex("2a864886f70d010701")), wrap(0xA0, octets))
    data = wrap(0x30, element(0x02, b"\1"), element(0x31), content, element(0x31))
    return wrap(0x30, element(0x06, bytes.fromhex(kind)), wrap(0xA0, data))


INNER = several("mixed", part("text/plain", "It is 14 May."), attached("text/plain", "a.txt", b"Four")).encode()


@pytest.mark.parametrize("wrap", [element, open_ended])
@pytest.mark.parametrize("kind", ["application/pkcs7-mime; smime-type=signed-data", BINARY])
def test_what_is_only_signed_is_read(tmp_path: Path, wrap: Callable[..., bytes], kind: str) -> None:
    rest = attached(kind, "smime.p7m", signed(INNER, wrap=wrap))
    assert mail(tmp_path, rest) == ("It is 14 May.\n\nAttachment: a.txt\n\nFour", {})


def test_what_is_not_only_signed_and_what_is_broken_is_not_read() -> None:
    whole = signed(INNER, wrap=open_ended)
    assert smime.signed_content(signed(INNER, "2a864886f70d010703")) is None
    assert all(smime.signed_content(whole[:end]) is None for end in range(0, 60, 3))
    for broken in (b"\x30\x80" * 5000, b"\x30\xff" + whole, b"no", b"", element(0x30, element(0x06), element(0xA0))):
        assert smime.signed_content(broken) is None


def test_what_is_signed_as_it_stands_is_told_once(tmp_path: Path) -> None:
    """As Outlook keeps it: the body, and beside it the whole mail with its signature."""
    inner = several("signed", INNER.decode(), part("application/pkcs7-signature", "iQ"), mark="s").encode()
    held = attached("multipart/signed", "smime.p7m", inner)
    said = several("mixed", part("text/plain", "It is 14 May."), held, mark="o")
    assert mail(tmp_path, said) == ("It is 14 May.\n\nAttachment: a.txt\n\nFour", {})
    assert mail(tmp_path, said.replace("It is 14", "It is 15"))[0].count("It is") == 2


BOX = """From zoe@example.org Mon May  4 10:11:12 2026
From: zoe@example.org
To: a@example.org
To: b@example.org
To: a@example.org
Subject: One

The pump came.

From Bremen it came at 9:15 in 2026.
More: later.

From bo@example.org Mon May  4 10:11:13 2026 +0200
From: bo@example.org
Subject: Two

-----BEGIN PGP MESSAGE-----
x
-----END PGP MESSAGE-----
"""


def test_a_box_of_mails(tmp_path: Path) -> None:
    text, lacks = read_here(saved(tmp_path, "a.mbox", BOX))
    assert text == (
        "From: zoe@example.org\nTo: a@example.org, b@example.org\nSubject: One\n\nThe pump came.\n\n"
        "From Bremen it came at 9:15 in 2026.\nMore: later.\n\nFrom: bo@example.org\nSubject: Two"
    )
    assert lacks == {"ENCRYPTED_UNREAD": (1, [])}
    pages = Pages(100, lambda done, total: None)
    with pytest.raises(ExtractionError, match="characters"):
        mail_reader.read(tmp_path / "a.mbox", pages)
    assert not pages.left_out()  # it ends at the first mail
    with pytest.raises(ExtractionError, match="encrypted"):
        read_here(saved(tmp_path, "b.mbox", "From bo@" + BOX.rpartition("From bo@")[2]))
