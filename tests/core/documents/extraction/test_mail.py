"""A mail is read whole: its body whatever parts it hides in."""

from pathlib import Path

import pytest

from core.documents.extraction import appointments
from core.errors import ExtractionError
from tests.core.documents.extraction.making import LeftOut, read_here, saved

HEAD = "From: zoe@example.org\nSubject: Pumps\n"
SHOWN_HEAD = "From: zoe@example.org\nSubject: Pumps\n\n"


def part(kind: str, text: str, *more: str) -> str:
    return "\n".join([f"Content-Type: {kind}", *more, "", text])


def several(kind: str, *parts: str, mark: str = "b") -> str:
    inside = "".join(f"--{mark}\n{one}\n" for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n{inside}--{mark}--\n'


def mail(folder: Path, rest: str | bytes) -> tuple[str, LeftOut]:
    """The text below the headers, and what it lacks."""
    raw = HEAD.encode() + (rest if isinstance(rest, bytes) else rest.encode())
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
    with pytest.raises(ExtractionError, match="S/MIME or PGP") as caught:
        mail(tmp_path, rest)
    assert caught.value.code == "ENCRYPTED"
    body = several("mixed", part("text/plain", "As agreed:"), rest, mark="outer")
    assert mail(tmp_path, body) == ("As agreed:", {"ENCRYPTED_UNREAD": (1, [])})
