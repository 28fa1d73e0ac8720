"""The words of RTF: of mails of Outlook, and of what is merged into a document of Word."""

import re
from codecs import lookup

from core.documents.extraction.struck import marked, struck, without_marks

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+",
    re.DOTALL,
)
# Groups that hold no words of the text.
_UNSHOWN = frozenset(
    b"""fonttbl colortbl stylesheet info pict object objdata themedata datastore listtable listoverridetable revtbl
    rsidtbl generator xmlnstbl latentstyles fldinst bkmkstart bkmkend filetbl""".split()
)
_BREAKS = {b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t"}
_SIGNS = {
    **{b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022", b"lquote": "\u2018", b"rquote": "\u2019"},
    **{b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"emspace": " ", b"enspace": " "},
}
_STRUCK = frozenset((b"strike", b"striked", b"strikedl", b"deleted"))
MOST_DEPTH = 10_000


def is_rtf(data: bytes) -> bool:
    return data.lstrip().startswith(b"{\\rtf")


def text(data: bytes) -> str:
    """Without formatting, headers and footers among it. Of HTML that Outlook has put into RTF, its words."""
    return _Reading().text(data.rstrip(b"\0"))


class _Reading:
    def __init__(self) -> None:
        self._codec, self._said = "cp1252", list[str]()
        self._bytes = bytearray()
        # Of each group that is open: whether it is shown, how many characters stand in the place of a Unicode one, and
        # whether it is struck out.
        self._shown, self._instead, self._struck = True, 1, False
        self._outer: list[tuple[bool, int, bool]] = []
        self._skip = 0
        self._starts = False

    def text(self, data: bytes) -> str:
        at = 0
        while found := _TOKEN.match(data, at):
            at = found.end()
            kind = found.lastgroup
            if kind == "brace":
                self._group(found["brace"] == b"{")
            elif kind in ("word", "number"):
                number = int(found["number"]) if found["number"] else None
                if found["word"] == b"bin" and number:
                    at += max(0, number)
                self._word(found["word"], number)
            elif kind == "sign":
                self._sign(found["sign"])
            elif kind == "hex":
                self._plain(bytes([int(found["hex"], 16)]))
            elif kind == "text":
                self._plain(found["text"])
        self._flush()
        lines = marked("".join(self._said)).split("\n")
        return re.sub("\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")

    def _group(self, opens: bool) -> None:
        self._flush()
        self._skip = 0
        if opens and len(self._outer) < MOST_DEPTH:
            self._outer.append((self._shown, self._instead, self._struck))
            self._starts = True
        elif not opens and self._outer:
            self._shown, self._instead, self._struck = self._outer.pop()

    def _word(self, word: bytes, number: int | None) -> None:
        starts, self._starts = self._starts, False
        if (starts and word in _UNSHOWN) or (word == b"htmlrtf" and number != 0):
            self._flush()
            self._shown = False
        elif word == b"htmlrtf":
            self._shown = True
        elif word == b"uc" and number is not None:
            self._instead = number
        elif word == b"u" and number is not None:
            self._flush()
            self._say(chr(number % 0x10000))
            self._skip = self._instead
        elif word == b"ansicpg" and number:
            self._codec = codec_of(number)
        elif word in _STRUCK or word == b"plain":
            self._flush()
            self._struck = word in _STRUCK and number != 0
        elif word in _BREAKS or word in _SIGNS:
            self._flush()
            self._say(_BREAKS.get(word) or _SIGNS[word])

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":  # what a program that does not know the group leaves out
            self._shown = False
        elif sign == b"~":
            self._plain(b" ")
        elif sign in (b"\\", b"{", b"}"):
            self._plain(sign)
        elif sign in (b"\r", b"\n"):
            self._plain(b"\n")
        elif sign == b"_":
            self._plain(b"-")
        self._starts = False

    def _plain(self, data: bytes) -> None:
        self._starts = False
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        if self._shown:
            self._bytes += data[skipped:]

    def _flush(self) -> None:
        if self._bytes:
            said = without_marks(self._bytes.decode(self._codec, "replace"))
            self._said.append(struck(said) if self._struck else said)
            self._bytes.clear()

    def _say(self, text_: str) -> None:
        if self._shown:
            self._said.append(struck(text_) if self._struck else text_)


def codec_of(page: int) -> str:
    """Of a code page of Windows."""
    name = {65001: "utf-8", 1200: "utf-16-le", 20127: "ascii", 20866: "koi8-r", 28591: "latin-1"}.get(page)
    if name is None and 28591 < page < 28606:
        name = f"iso8859-{page - 28590}"
    try:
        return lookup(name or f"cp{page}").name
    except LookupError:
        return "cp1252"


# What the compressed text may refer to before its own beginning, as its makers agreed (MS-OXRTFCP).
_BEFORE = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_COMPRESSED, _STORED = b"LZFu", b"MELA"
MOST_BYTES = 64 << 20
WINDOW = 4096


def decompressed(data: bytes) -> bytes:
    """Of the property in which Outlook keeps RTF; empty where it is none."""
    kind, size = data[8:12], min(int.from_bytes(data[4:8], "little"), MOST_BYTES)
    if kind == _STORED:
        return data[16 : 16 + size]
    if kind != _COMPRESSED:
        return b""
    window = bytearray(_BEFORE.ljust(WINDOW, b"\0"))
    write, at, out = len(_BEFORE), 16, bytearray()
    while at < len(data) and len(out) < size:
        flags = data[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                pair = int.from_bytes(data[at : at + 2], "big")
                at += 2
                start, length = pair >> 4, (pair & 15) + 2
                if start == write:
                    return bytes(out)
            else:
                start, length = -1, 1
            for step in range(length):
                # Byte by byte: it may refer to what it is just writing.
                one = data[at : at + 1] if start < 0 else bytes([window[(start + step) % WINDOW]])
                if not one:
                    return bytes(out)
                window[write] = one[0]
                write = (write + 1) % WINDOW
                out += one
            at += start < 0
    return bytes(out[:size])
