"""Mails that Outlook saves as .msg, by olefile: a file of streams, each of which is a property (MS-OXMSG)."""

from email.message import Message
from io import BytesIO

import olefile

from core.documents.extraction import failures, mapi, rtf
from core.documents.extraction.mapi import Attached, Value

PROPERTIES = "__properties_version1.0"
_ATTACHED, _STREAM = "__attach_version1.0_", "__substg1.0_"
# Bytes before the list of a mail's properties, of one inside another, and of an attachment's.
_MAIL, _INSIDE, _OTHER = 32, 24, 8
_TEXT8, _TEXT, _BINARY, _TIME, _INT, _OBJECT = 0x1E, 0x1F, 0x102, 0x40, 0x03, 0x0D
_STRINGS_PAGE, _WESTERN = 0x3FFD, 1252
# UTF-16, which such texts are not in, and ASCII, which says nothing of other characters.
_NO_PAGES = (1200, 20127)
# Which streams are read: others are the program's own, and may be large.
_WANTED = frozenset(
    f"{key:04X}"
    for key in (
        *(mapi.CLASS, mapi.SUBJECT, mapi.BODY, mapi.HTML, mapi.RTF, mapi.HEADERS, mapi.TO, mapi.CC, mapi.SENDER),
        *(mapi.SENDER_ADDRESS, mapi.SENDER_SMTP, mapi.LONG_NAME, mapi.SHORT_NAME, mapi.TITLE, mapi.MIME, mapi.DATA),
        mapi.CONTENT_ID,
    )
)
MOST_DEPTH = 12
MOST_FILES = 1000


def message(data: bytes) -> Message:
    """Raises ExtractionError for what is no mail."""
    try:
        with olefile.OleFileIO(BytesIO(data)) as file:
            if not file.exists(PROPERTIES):
                raise failures.corrupt("there is no mail in it")
            return _Reading(file).mail([], _MAIL, 0)
    except OSError:  # of which all of the library are
        raise failures.corrupt("it is cut off, or not what its name says") from None


class _Reading:
    def __init__(self, file: olefile.OleFileIO) -> None:
        self._file = file
        self._inside: dict[tuple[str, ...], list[str]] = {}
        for path in file.listdir(streams=True, storages=True):
            self._inside.setdefault(tuple(path[:-1]), []).append(path[-1])

    def mail(self, place: list[str], before: int, depth: int) -> Message:
        properties = self._properties(place, before, self._code_page(place, before))
        folders = [name for name in sorted(self._inside.get(tuple(place), ())) if name.startswith(_ATTACHED)]
        charset = self._code_page(place, before)
        return mapi.letter(
            properties, [self._attached([*place, name], charset, depth) for name in folders[:MOST_FILES]]
        )

    def _attached(self, place: list[str], charset: str, depth: int) -> Attached:
        properties = self._properties(place, _OTHER, charset)
        inside = f"{_STREAM}{mapi.DATA:04X}{_OBJECT:04X}"
        if depth < MOST_DEPTH and PROPERTIES in self._inside.get((*place, inside), ()):
            return Attached(properties, self.mail([*place, inside], _INSIDE, depth + 1))
        return Attached(properties)

    def _code_page(self, place: list[str], before: int) -> str:
        """Of texts that are not in Unicode; where the mail does not say, that of its bodies."""
        fixed = self._fixed(place, before)
        pages = (fixed.get(key) for key in (_STRINGS_PAGE, mapi.CODE_PAGE))
        return rtf.codec_of(next((page for page in pages if page and page not in _NO_PAGES), _WESTERN))

    def _properties(self, place: list[str], before: int, charset: str) -> dict[int, Value]:
        found: dict[int, Value] = dict(self._fixed(place, before))
        for name in self._inside.get(tuple(place), ()):
            tag = name.removeprefix(_STREAM)
            if tag == name or len(tag) != 8 or tag[:4].upper() not in _WANTED:
                continue
            kind = int(tag[4:], 16)
            if kind in (_TEXT, _TEXT8, _BINARY):
                data = self._file.openstream([*place, name]).read()
                text = "utf-16-le" if kind == _TEXT else charset
                found[int(tag[:4], 16)] = data if kind == _BINARY else data.decode(text, "replace")
        return found

    def _fixed(self, place: list[str], before: int) -> dict[int, int]:
        """Those that are numbers."""
        if PROPERTIES not in self._inside.get(tuple(place), ()):
            return {}
        data = self._file.openstream([*place, PROPERTIES]).read()
        found = {}
        for at in range(before, len(data) - 15, 16):
            kind, key = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
            if kind in (_INT, _TIME):
                found[key] = int.from_bytes(data[at + 8 : at + (12 if kind == _INT else 16)], "little")
        return found
