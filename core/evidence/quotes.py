"""Whether a quote stands in a document: word by word, as both are folded, and where.

A quote counts only where each of its words stands there, in order and uncut, or is misspelt as OCR misspells. What
breaks a passage without belonging to it (a page's header or footer) is stepped over, and what a quote leaves out with
an ellipsis may be left out unless that hides a negation.
"""

import difflib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from core.evidence import negations, spelling
from core.evidence.folding import Folded, Word, fold

# `found`: equal, on word boundaries. `spelling`: as many words, each equal or misspelt. `differs`: the place exists,
# words differ. `short`: too short to be a quote of anything.
Verdict = Literal["found", "spelling", "differs", "absent", "short"]
SUPPORTING: tuple[Verdict, ...] = ("found", "spelling")
FEWEST_WORDS = 3
FEWEST_CHARACTERS = 4
# Places that are looked at for one quote; what stands in a document more often is no help in finding it.
MOST_PLACES = 50
# A place where fewer of the words stand is another place.
NEAR = 0.6


@dataclass(frozen=True)
class Span:
    """Code point offsets in a document's text; `end` is exclusive."""

    start: int
    end: int


@dataclass(frozen=True)
class Check:
    """`spans`: where the parts of a quote that is found stand, in order. `nearest`: the place of one that differs.

    A footer in between makes no parts: the span goes over it. `quarantined`: its place meets a passage that gives
    instructions to a model.
    """

    verdict: Verdict
    spans: tuple[Span, ...] = ()
    nearest: Span | None = None
    quarantined: bool = False

    @property
    def supported(self) -> bool:
        return self.verdict in SUPPORTING

    @property
    def span(self) -> Span | None:
        """Around all parts."""
        return Span(self.spans[0].start, self.spans[-1].end) if self.spans else None


@dataclass(frozen=True)
class Place:
    """Words `first` to `last` (inclusive) of a sequence."""

    first: int
    last: int
    misspelt: int


@dataclass(frozen=True)
class Change:
    """Words that differ: as the quote has them and as the document does. Either may be empty."""

    quote: str
    document: str


class SourceText:
    """A document's text, folded once for all quotes of it, and not at all where they stand there to the letter."""

    def __init__(self, text: str, marks: Sequence[tuple[int, int]] = ()):
        """`marks`: start and end of the passages that give instructions to a model."""
        self.text = text
        self._marks = marks

    def is_marked(self, place: Span | None) -> bool:
        return place is not None and any(start < place.end and place.start < end for start, end in self._marks)

    @cached_property
    def readings(self) -> tuple[Folded, ...]:
        whole = fold(self.text)
        seen = _without(whole, [found.span() for found in UNSEEN.finditer(self.text)])
        bare = _without_furniture(seen)
        # A hyphen at a line's end that belongs to the words: Vor-\nund Nachteile.
        kept = whole
        if HYPHEN_AT_END.search(self.text):
            kept = fold(HYPHEN_AT_END.sub(lambda m: "-" + " " * (len(m[0]) - 1), self.text))
        readings = (whole, seen, bare, kept)
        return tuple(one for at, one in enumerate(readings) if not any(one is other for other in readings[:at]))

    def around(self, quote: str) -> tuple["SourceText", int] | None:
        """The quote's first literal place with what stands around it, and where that begins; None without one."""
        start = self.text.find(quote) if quote else -1
        if start < 0:
            return None
        begin = max(0, start - AROUND)
        return SourceText(self.text[begin : start + len(quote) + AROUND]), begin


# What readers mark: words that nobody sees, or that no longer hold. Struck-out ones are a line at most.
STRUCK = "[Struck out: "
UNSEEN = re.compile(r"\[(?:Struck out|Hidden): (?:[^\[\]]|\[[^\[\]]*\])*\]")
LONGEST_STRUCK = 5_000
# Characters: more than a word with its hyphen and the negation before it.
AROUND = 100
HYPHEN_AT_END = re.compile(r"-[ \t]*\r?\n[ \t]*")
ELLIPSIS = re.compile(r"\s*(?:[\[(]\s*(?:\u2026|\.{3,})\s*[\])]|\u2026+|\.{3,}|\u2025+)\s*")


def check(quote: str, source: SourceText, statement: str = "") -> Check:
    """`statement`: what the quote is evidence for; a short quote counts if it holds a figure of it."""
    found = _looked_up(quote, source, statement)
    return replace(found, quarantined=True) if source.is_marked(found.span or found.nearest) else found


def _looked_up(quote: str, source: SourceText, statement: str) -> Check:
    words = fold(quote).words
    if _too_short(words) and not _figures(words) & _figures(fold(statement).words):
        return Check("short")
    if near := source.around(quote.strip()):
        literal = _check(quote, words, near[0])
        if literal.verdict == "found":
            return Check("found", tuple(Span(one.start + near[1], one.end + near[1]) for one in literal.spans))
    return _check(quote, words, source)


def _check(quote: str, words: Sequence[Word], source: SourceText) -> Check:
    pieces = ELLIPSIS.split(quote)
    parts = [part for part in (fold(piece).words for piece in pieces) if part] if len(pieces) > 1 else []
    for reading in source.readings:
        for sequences in ([words], parts) if len(parts) > 1 else ([words],):
            if (places := _in_order(sequences, quote, reading)) is not None:
                spans = [Span(reading.words[p.first].start, reading.words[p.last].end) for p in places]
                verdict: Verdict = "spelling" if any(p.misspelt for p in places) else "found"
                return Check(verdict, tuple(_with_marks(spans, quote, words, source.text)))
    nearest = _nearest(words, source.readings[0])
    return Check("differs", nearest=nearest) if nearest else Check("absent")


def _with_marks(spans: list[Span], quote: str, words: Sequence[Word], text: str) -> list[Span]:
    """The marks before the first word and behind the last one belong to the place where the quote has them, too."""
    first, last = spans[0], spans[-1]
    head, tail = quote[: words[0].start].strip(), quote[words[-1].end :].strip()
    start, end = first.start, last.end
    for mark in reversed(head):
        if start and _same_mark(text[start - 1], mark):
            start -= 1
    for mark in tail:
        if end < len(text) and _same_mark(text[end], mark):
            end += 1
    return [Span(start if n == 0 else one.start, end if one is last else one.end) for n, one in enumerate(spans)]


QUOTATION_MARKS = frozenset(
    "\"'\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u300c\u300d\u300e\u300f"
)
FULL_STOPS = frozenset(".\u3002\uff0e\uff61")


def _same_mark(written: str, quoted: str) -> bool:
    return written == quoted or any({written, quoted} <= marks for marks in (QUOTATION_MARKS, FULL_STOPS))


def _too_short(words: Sequence[Word]) -> bool:
    characters = sum(word.kind == "character" for word in words)
    spaced = sum(word.kind in ("word", "number") for word in words)
    return characters < FEWEST_CHARACTERS if characters else spaced < FEWEST_WORDS


def _figures(words: Sequence[Word]) -> set[str]:
    return {word.text for word in words if word.kind == "number"}


def _in_order(parts: Sequence[Sequence[Word]], quote: str, reading: Folded) -> list[Place] | None:
    """Each part behind the one before it, and nothing negated by what stands around or between them."""
    if any(len(part) < 2 for part in parts) and len(parts) > 1:
        return None
    for first in _places(parts[0], quote, reading):
        found = [first]
        for part in parts[1:]:
            behind = (p for p in _places(part, quote, reading) if p.first > found[-1].last)
            after = next((p for p in behind if not _hidden(reading, found[-1], p)), None)
            if after is None:
                break
            found.append(after)
        if len(found) == len(parts) and not (
            _cut_from_negation(reading, found[0], found[-1]) or any(_is_struck(reading, one) for one in found)
        ):
            return found
    return None


def _places(words: Sequence[Word], quote: str, reading: Folded) -> Iterator[Place]:
    """Equal places first, then misspelt ones, each in the document's order."""
    rarest = sorted(range(len(words)), key=lambda n: len(reading.positions.get(words[n].text, ())) or 1 << 30)
    begins = {at - n for n in rarest[:1] for at in reading.positions.get(words[n].text, ())}
    for begin in sorted(begins):
        if all(
            0 <= begin + n < len(reading.words) and reading.words[begin + n].text == w.text for n, w in enumerate(words)
        ):
            yield Place(begin, begin + len(words) - 1, 0)
    without_accents = quote.isascii()
    begins = {at - n for n in rarest[:3] for at in reading.positions.get(words[n].text, ())[:MOST_PLACES]}
    for begin in sorted(begins):
        misspelt = _misspelt(words, quote, reading, begin, without_accents)
        if misspelt:
            yield Place(begin, begin + len(words) - 1, misspelt)


def _misspelt(words: Sequence[Word], quote: str, reading: Folded, begin: int, without_accents: bool) -> int | None:
    """How many words are misspelt there; None where one differs otherwise, or too many are."""
    if begin < 0 or begin + len(words) > len(reading.words):
        return None
    differ = 0
    for number, word in enumerate(words):
        there = reading.words[begin + number]
        if word.text == there.text:
            continue
        if without_accents and word.kind == there.kind == "word" and word.text == spelling.plain(there.text):
            differ += 1
            continue
        name = number > 0 and quote[word.start : word.start + 1].isupper() and not quote.isupper()
        if word.kind != "word" or there.kind != "word" or negations.negates(word) or negations.negates(there):
            return None
        if not spelling.misspelt(word.text, there.text, name=name):
            return None
        differ += 4
    return differ if differ and differ <= max(4, len(words)) else None


SENTENCE_END = re.compile(
    r"[.!?:;\u3002\uff01\uff1f\u061f\u0964](?=\s|$|[\"'\u201d\u2019\u00bb)])|[\u3002\uff01\uff1f]|\n\s*(?:\n|[*\u2022-])"
)


def _hidden(reading: Folded, before: Place, after: Place) -> bool:
    """Whether what is left out of the sentences that were cut holds a negation. Whole sentences may be left out."""
    left_out = range(before.last + 1, after.first)
    if not left_out:
        return False
    start, end = reading.words[before.last].end, reading.words[after.first].start
    ends = [start + m.start() for m in SENTENCE_END.finditer(reading.text[start:end])]
    tail, head = (ends[0], ends[-1]) if ends else (end, start)
    words = [reading.words[n] for n in left_out]
    cut = [w for w in words if w.start < tail or w.start >= head]
    return any(map(negations.negates, cut)) or negations.any_unspaced(
        "".join(w.text for w in cut if w.kind == "character")
    )


def _cut_from_negation(reading: Folded, first: Place, last: Place) -> bool:
    """The word right before or behind it, with nothing but a space between, makes it its opposite."""
    text, words = reading.text, reading.words
    start, end = words[first.first].start, words[last.last].end
    if words[first.first].kind == "character" and text.endswith(negations.BEFORE, 0, start):
        return True
    if words[last.last].kind == "character" and text[end : end + BLANK].lstrip().startswith(negations.BEHIND):
        return True
    before = words[first.first - 1] if first.first else None
    behind = words[last.last + 1] if last.last + 1 < len(words) else None
    return (before is not None and negations.negates(before) and not text[before.end : start].strip()) or (
        behind is not None and negations.negates(behind) and not text[end : behind.start].strip()
    )


def _is_struck(reading: Folded, place: Place) -> bool:
    """It begins within words that are struck out, without the mark that says so."""
    start = reading.words[place.first].start
    begin = reading.text.rfind(STRUCK, max(0, start - LONGEST_STRUCK), start)
    passage = UNSEEN.match(reading.text, begin) if begin >= 0 else None
    return passage is not None and start < passage.end()


def _nearest(words: Sequence[Word], reading: Folded) -> Span | None:
    """The place where most of the words stand."""
    best, most = None, NEAR * len(words)
    wanted = {word.text for word in words}
    rarest = sorted(range(len(words)), key=lambda n: len(reading.positions.get(words[n].text, ())) or 1 << 30)
    for number in rarest[:3]:
        for at in reading.positions.get(words[number].text, ())[:MOST_PLACES]:
            begin = max(0, at - number)
            there = reading.words[begin : begin + len(words)]
            same = len(wanted & {word.text for word in there})
            if there and same >= most:
                best, most = Span(there[0].start, there[-1].end), same + 0.5
    return best


def changes(quote: str, document: str) -> tuple[Change, ...]:
    """Where a quote differs from the passage that it is nearest to."""
    one, other = fold(quote).words, fold(document).words
    matcher = difflib.SequenceMatcher(None, [w.text for w in one], [w.text for w in other], autojunk=False)
    return tuple(
        Change(_written(quote, one[a:b]), _written(document, other[c:d]))
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    )


def _written(text: str, words: Sequence[Word]) -> str:
    return text[words[0].start : words[-1].end] if words else ""


LINE = re.compile(r"[^\n\f]+")
# A number alone, behind the word for a page, or set apart at the end of the line.
PAGE_NUMBER = re.compile(
    r"^\W*\d{1,4}\W*$"
    r"|\b(?:page|seite|pagina|p\xe1gina|strona|sida|side|str\.|s\.|p\.)\s*\d{1,4}(?:\s*(?:of|von|de|di|sur|van|z|/)\s*\d{1,4})?\W*$"
    r"|(?:\s{2,}|[|\xb7\u2022\u2013\u2014\t-]\s*)\d{1,4}(?:\s*/\s*\d{1,4})?$",
    re.IGNORECASE,
)
LONGEST_FURNITURE = 120


def _without_furniture(whole: Folded) -> Folded:
    """Without headers and footers: lines that stand apart, and end in a page's number or stand there repeatedly."""
    lines = list(LINE.finditer(whole.text))
    apart = [line for line in lines if _apart(whole.text, line) and len(line[0].strip()) <= LONGEST_FURNITURE]
    shapes: dict[str, int] = {}
    for line in apart:
        shape = re.sub(r"\d+", "0", line[0].strip())
        shapes[shape] = shapes.get(shape, 0) + 1
    gone = [
        (line.start(), line.end())
        for line in apart
        if PAGE_NUMBER.search(line[0].strip()) or shapes[re.sub(r"\d+", "0", line[0].strip())] > 2
    ]
    return _without(whole, gone)


def _without(whole: Folded, gone: Sequence[tuple[int, int]]) -> Folded:
    """`gone`: code points from and to, in order."""
    if not gone:
        return whole
    kept, at = [], 0
    for word in whole.words:
        while at < len(gone) and gone[at][1] <= word.start:
            at += 1
        if at == len(gone) or word.start < gone[at][0]:
            kept.append(word)
    return Folded(whole.text, tuple(kept))


def _apart(text: str, line: re.Match[str]) -> bool:
    """Blank lines, a page's end or the text's end on both sides."""
    before = text[max(0, line.start() - BLANK) : line.start()].rstrip(" \t")
    behind = text[line.end() : line.end() + BLANK].lstrip(" \t")
    return (not before or before.endswith(("\n\n", "\f", "\f\n"))) and (not behind or behind.startswith(("\n\n", "\f")))


# Characters of white space that are looked at beside a line.
BLANK = 200


# Characters. An index entry holds 2,704 bytes; the rest of a longer statement is represented by its hash.
LONGEST_KEY = 500


def normalise(statement: str) -> str:
    """The key of a statement: equal for statements that differ in case, white space or closing punctuation only."""
    key = " ".join(statement.casefold().split()).rstrip(".!;:, ")
    if len(key) <= LONGEST_KEY:
        return key
    return key[:LONGEST_KEY] + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
