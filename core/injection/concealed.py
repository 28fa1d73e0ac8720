"""What is in a text and not to be read there: characters that nobody sees, and what is encoded.

Encoded data is common and harmless; what counts is what it says once decoded, and nobody encodes an order by accident.
"""

import base64
import binascii
import codecs
import html
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.injection.folding import UNSEEN

# Of one text; the first ones.
MOST_RUNS = 2_000
# Of a run that is decoded.
LONGEST = 4_000
SHORTEST_HIDDEN = 4


@dataclass(frozen=True)
class Concealed:
    """What stands at these offsets. `says`: decoded. `unseen`: no reader shows it."""

    start: int
    end: int
    says: str
    unseen: bool


def find(text: str) -> Iterator[Concealed]:
    yield from _unseen(text)
    for needle, pattern, decode in ENCODINGS:
        if needle not in text:
            continue
        for number, match in enumerate(pattern.finditer(text)):
            if number == MOST_RUNS:
                break
            says = decode(match[0][:LONGEST])
            if says and _is_text(says):
                yield Concealed(match.start(), match.end(), says, unseen=False)


# A flag of emoji is written in them, and ends with the last one.
TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007e])[\U000e0020-\U000e007e]+")
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
ZERO_WIDTH = re.compile("[\u200b-\u200f\u2060-\u2064\u180e\ufeff]{16,}")
TURNED = re.compile("[\u202d\u202e]([^\u202c\n]{4,2000})")


def _unseen(text: str) -> Iterator[Concealed]:
    if not UNSEEN.search(text):
        return
    for match in TAGS.finditer(text):
        if len(match[0]) >= SHORTEST_HIDDEN:
            yield _hidden(match, "".join(chr(ord(one) - 0xE0000) for one in match[0][:LONGEST]))
    for match in SELECTORS.finditer(text):
        yield _hidden(match, _of_bytes(bytes(_selected(one) for one in match[0][:LONGEST])))
    for match in ZERO_WIDTH.finditer(text):
        yield _hidden(match, _of_bits(match[0][: 8 * LONGEST]))
    for match in TURNED.finditer(text):
        yield Concealed(match.start(), match.end(), match[1][::-1], unseen=False)


def _hidden(match: re.Match[str], says: str) -> Concealed:
    return Concealed(match.start(), match.end(), says, unseen=True)


def _selected(one: str) -> int:
    return ord(one) - 0xFE00 if one <= "\ufe0f" else ord(one) - 0xE0100 + 16


def _of_bits(run: str) -> str:
    """Two kinds of characters may be the bits of a text."""
    kinds = sorted(set(run))
    if len(kinds) != 2:
        return ""
    bits = "".join("0" if one == kinds[0] else "1" for one in run)
    return _of_bytes(bytes(int(bits[n : n + 8], 2) for n in range(0, len(bits) - 7, 8)))


def _of_bytes(data: bytes) -> str:
    for encoding in ("utf-8", "utf-16"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def _base64(run: str) -> str:
    packed = re.sub(r"\s", "", run).rstrip("=").replace("-", "+").replace("_", "/")
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    return _of_bytes(base64.b64decode(packed + "=" * (-len(packed) % 4)))


def _base32(run: str) -> str:
    packed = run.rstrip("=")
    try:
        return _of_bytes(base64.b32decode(packed + "=" * (-len(packed) % 8)))
    except binascii.Error:
        return ""


def _hex(run: str) -> str:
    digits = re.sub(r"[^0-9A-Fa-f]", "", re.sub(r"\\x|0x", "", run))
    return _of_bytes(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _binary(run: str) -> str:
    return _of_bytes(bytes(int(one, 2) for one in run.split()))


def _escapes(run: str) -> str:
    codes = [int(one, 16) for one in re.findall(r"[0-9a-fA-F]{4}", run)]
    return "".join(chr(one) for one in codes if not 0xD800 <= one < 0xE000)


def _joined(run: str) -> str:
    """Letters that stand apart, with a longer gap between words."""
    return " ".join(re.sub(r"[ .*_-]", "", word) for word in re.split(r"\s{2,}|\s[|/]\s", run))


# With what has to stand in it.
ENCODINGS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("", re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,76}\r?\n){0,60}[A-Za-z0-9+/_-]{16,}={0,2}"), _base64),
    ("", re.compile(r"(?<![A-Z2-7])[A-Z2-7]{24,}={0,6}"), _base32),
    ("", re.compile(r"(?<![0-9A-Fa-f])(?:(?:\\x|0x)?[0-9A-Fa-f]{2}[ :,]?){12,}"), _hex),
    ("0", re.compile(r"\b(?:[01]{8}\s){7,}[01]{8}\b"), _binary),
    ("%", re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z]{1,20}(?=%)){8,}"), urllib.parse.unquote),
    ("&#", re.compile(r"(?:&#x?[0-9A-Fa-f]{1,6};\s?){8,}"), html.unescape),
    (r"\u", re.compile(r"(?:\\u[0-9A-Fa-f]{4}\s?){8,}"), _escapes),
    ("", re.compile(r"(?<!\w)(?:\w[ .*_-]{1,3}){11,400}\w(?!\w)"), _joined),
)
# Words of orders as they are turned round, and in rot13.
BACKWARDS = ("snoitcurtsni", "erongi", "tpmorp", "tegrof", "dragersid", "negnusiewna", "ereirongi")
ROTATED = (
    *("vafgehpgvba", "vafgehpgvbaf", "vtaber", "cebzcg", "cebzcgf", "qvfertneq", "sbetrg", "cerivbhf", "fhzznel"),
    *("nafjre", "njrvfhatra", "vtabevrer"),
)
REACH = 300

TURNINGS: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    (BACKWARDS, lambda passage: passage[::-1]),
    (ROTATED, lambda passage: codecs.encode(passage, "rot13")),
)


def turned(text: str) -> Iterator[Concealed]:
    """Passages that are written backwards or in rot13, by their words."""
    # To look for each word takes a fraction of the time that a pattern of them takes. Regardless of case, an "i" may
    # have no dot, or one of its own.
    folded = text.casefold().replace("\u0307", "").replace("\u0131", "i")
    for words, read in TURNINGS:
        said = [word for word in words if word in folded]
        end = -1
        for match in re.finditer(rf"\b(?:{'|'.join(said)})\b", text, re.IGNORECASE) if said else ():
            if match.start() < end:
                continue
            start, end = max(0, match.start() - REACH), min(len(text), match.end() + REACH)
            yield Concealed(start, end, read(text[start:end]), unseen=False)


def visible(text: str) -> str:
    """What nobody sees in a text shown: tags as what they say, other such characters as a dot each run."""
    said = TAGS.sub(lambda tags: f" [{''.join(chr(ord(one) - 0xE0000) for one in tags[0])}]", text)
    return UNSEEN.sub("·", said)


def _is_text(says: str) -> bool:
    shown = sum(one.isprintable() or one.isspace() for one in says)
    return shown >= 0.95 * len(says) and sum(one.isalpha() for one in says) >= 4
