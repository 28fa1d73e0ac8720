"""A statement as tokens, each with its place in the statement: what every later step reads and rewrites."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from core.evidence.folding import Word, fold

# `mark`: punctuation that says where clauses end; none is left in a canonical statement.
Kind = Literal["word", "figure", "date", "negation", "mark"]


class Token(NamedTuple):
    """`text`: what the key is made of. `mask`: what the masked key is made of instead; None: the same, "": nothing.

    `start`, `end`: code points in the statement. `written`: as it stands there. `unit`: of a figure, in base units.
    """

    text: str
    start: int
    end: int
    kind: Kind = "word"
    mask: str | None = None
    written: str = ""
    unit: str = ""

    @property
    def masked(self) -> str:
        return self.text if self.mask is None else self.mask

    @property
    def root(self) -> str:
        """Without tense and number, which forms.py writes behind a plus sign."""
        return self.text.partition("+")[0]


MARKS = ",;:?/#"
# Written with a hyphen or without one, and never as two words.
GLUED = re.compile(
    r"(?:e|co|pre|non|anti|multi|inter|sub|un|in|im|dis|mis|over|under|out)[-\u2010\u2011](?=[a-z])", re.I
)
HYPHEN = re.compile(r"[-\u2010\u2011\u2012\u2013\u2212]")
DIGITS_AND_LETTERS = re.compile(r"(\d+(?:[.,]\d+)*)([^\W\d_]{1,4})")
SENTENCE_END = re.compile(r"[.!?\u3002]['\")\]\u201d\u2019\u00bb]*\s+(?P<next>[^\W\d_])")
DECADE = re.compile(r"\d{2,3}0s")
# The 20s, in her 30s.
OF_A_DECADE = re.compile(r"\b(?:the|their|his|her|early|mid|late)[ -]['\u2019]?$", re.I)


def split(statement: str) -> list[Token]:
    tokens: list[Token] = []
    done = 0
    for folded in fold(statement).words:
        word, gap = folded, statement[done : folded.start]
        if tokens and gap in (".", ",", ":") and tokens[-1].text[-1:].isdigit() and word.text[0].isdigit():
            number = tokens.pop()
            word = Word(f"{number.text}{gap}{word.text}", number.start, word.end, word.kind)
        else:
            tokens.extend(_marks(statement, gap, done, tokens))
        tokens.extend(_pieces(statement, word))
        done = word.end
    tokens.extend(_marks(statement, statement[done:], done, tokens))
    while tokens and tokens[-1].text in (",", ";", ":", "."):
        tokens.pop()
    return tokens


def _marks(statement: str, gap: str, at: int, before: list[Token]) -> Iterator[Token]:
    if not gap or gap == " ":
        return
    for number, sign in enumerate(gap):
        if sign in MARKS:
            yield Token(sign, at + number, at + number + 1, "mark", written=sign)
        elif sign in "\u2013\u2014" and gap.strip() == sign and gap != sign:
            yield Token(",", at + number, at + number + 1, "mark", written=sign)
        elif sign in ".!\u3002" and SENTENCE_END.match(statement, at + number):
            # A full stop behind a short word is that of an abbreviation.
            if before and before[-1].kind == "word" and len(before[-1].text) <= 3:
                continue
            yield Token(".", at + number, at + number + 1, "mark", written=sign)


def _pieces(statement: str, word: Word) -> Iterator[Token]:
    written = statement[word.start : word.end]
    if word.kind == "word" and HYPHEN.search(written) and not GLUED.match(written):
        start = word.start
        for part in HYPHEN.split(written):
            for piece in fold(part).words:
                yield from _pieces(statement, Word(piece.text, start + piece.start, start + piece.end, piece.kind))
            start += len(part) + 1
        return
    text = ascii_digits(word.text) if word.kind in ("number", "word") else word.text
    joined = DIGITS_AND_LETTERS.fullmatch(text) if word.kind == "word" else None
    decade = text.endswith("0s") and OF_A_DECADE.search(statement, max(0, word.start - 8), word.start)
    if joined and not decade and _is_quantity(joined[2], written[-len(joined[2]) :], text):
        cut = word.start + len(joined[1])
        yield Token(joined[1], word.start, cut, "figure", written=joined[1])
        yield Token(joined[2], cut, word.end, "word", written=written[-len(joined[2]) :])
        return
    kind: Kind = "figure" if word.kind == "number" or re.fullmatch(r"-?\d[\d.,:/-]*", text) else "word"
    yield Token(text, word.start, word.end, kind, written=written)


def _is_quantity(letters: str, written: str, text: str) -> bool:
    """5g are grams, 5G is a name; 10k, 10K and 2M are figures; the 1990s are none."""
    if DECADE.fullmatch(text) or (letters in ("d", "g", "s", "x") and written.isupper()):
        return False
    return letters in JOINED or (not written.isupper() and letters.isalpha() and letters in UNITS_JOINED)


JOINED = frozenset(
    "st nd rd th k m bn mn mio mrd eur usd gbp chf am pm kg km kw kwh mw mwh gb mb tb kb hz ghz mhz".split()
)
UNITS_JOINED = frozenset("mm cm l ml g mg t h min s v ha kmh mph pp bps ft lb oz yd".split())


def ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
