"""Lines of a text, put together to blocks: paragraphs, headings, list items, cells and rows of tables.

Extracted text is wrapped in every way: one line per paragraph, lines of equal length, lines with a page's header in
between. A line flows into the next unless something speaks against it: a blank line, a marker, or an early end.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.offline.abbreviations import MONTHS
from core.offline.words import DIVISIONS, word_count

SHORTEST_FULL_LINE = 30
# A line that would have held the next word within this share of the usual length was ended on purpose.
SHORT_LINE = 0.85
# Lines longer than this are paragraphs that nobody wrapped.
UNWRAPPED = 120
NOT_WRAPPED = 10**9
SHORTEST_WRAP = 50
WRAP_STEP = 8
MOST_LINES = 0.3
FEWEST_LINES = 20
REPEATED = 3
LONGEST_HEADER = 100
LONGEST_CONTENTS_ROW = 200
CELL_OF_PROSE_WORDS = 6
SENTENCE_STOPS = ".!?…。！？｡।॥؟۔"
CLOSING = "\"'”“’‘»«)]」』）*_"

_LINE = re.compile(r"[^\n\r\f\v\u0085\u2028\u2029]+")
_STRONG_MARKER = re.compile(r"(?:[-*+•‣▪▸◦●○■□·✓➢]|#{1,6}|>[>\s]*)\s+(?=\S)|>+(?=\S)")
_WEAK_MARKER = re.compile(
    r"(?:[–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z]\)|\(?[ivx]{1,4}\)|(?:§\s*)?\d{1,3}(?:\.\d{1,3})+\.?)\s+(?=[^\W\d_])"
)
_CAPTION = re.compile(
    r"(?:table|figure|fig\.|tabelle|abbildung|abb\.|tableau|tabla|figura)\s+\d[\d.]*\s*[:.–—-]", re.IGNORECASE
)
_SECTION_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){2,}\.?\s")
_NEXT_WORD = re.compile(r"[^\W\d_]+")
_CELL_BORDER = re.compile(r"\t| \| ")
_COLUMN_GAP = re.compile(r"(?<=\S)\s{3,}(?=\S)")
_LEADERS = re.compile(r"(?:\. ?){4,}|…{2,}")
_CONTENTS_ROW = re.compile(r"\d{1,3}(?:\.\d{1,3})+\.?\s.*[^\s.,;:]\s+\d{1,4}")
_PAGE_NUMBER = re.compile(
    r"[-–—\[(\s]*(?:page|seite|página|p\.|s\.)?\s*(?:\d{1,4}|[ivxlcdm]{1,6})"
    r"(?:\s*(?:of|/|von|sur|de)\s*\d{1,4})?[-–—\]).\s]*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Block:
    start: int
    end: int
    junk: bool
    # A heading or a row of a table: never a sentence, whatever it looks like.
    alone: bool


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str
    blank_before: bool
    marker: int
    strongly_marked: bool
    alone: bool
    junk: bool

    @property
    def ended(self) -> bool:
        return self.text.rstrip(CLOSING)[-1:] in (*SENTENCE_STOPS, ":", ";")


def blocks(text: str) -> Iterator[Block]:
    lines = _lines(text)
    limit = _wrapped_at(lines)
    for run in _runs(lines):
        for block in _flowing(run, min(limit, _usual_length(run))):
            first, last = block[0], block[-1]
            junk = all(line.junk for line in block)
            yield Block(first.start + first.marker, last.start + len(last.text), junk, first.alone)


def _lines(text: str) -> list[_Line]:
    pieces = list(_pieces(text))
    repeated = _repeated(piece for _, piece in pieces)
    lines = []
    previous = 0
    for start, piece in pieces:
        gap = text[previous:start]
        blank = "\f" in gap or max(gap.count("\n"), gap.count("\r")) > 1
        lines.append(_line(start, piece, blank, repeated))
        previous = start + len(piece)
    return lines


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Lines without the white space around them. In rows of a table cells of prose stand for themselves."""
    for match in _LINE.finditer(text):
        line = match.group()
        if _CELL_BORDER.search(line.strip()):
            yield from _cells(match.start(), line)
        elif stripped := line.strip():
            yield match.start() + line.index(stripped[0]), stripped


def _cells(at: int, line: str) -> Iterator[tuple[int, str]]:
    borders = [0, *(position for border in _CELL_BORDER.finditer(line) for position in border.span()), len(line)]
    cells = [(start, end) for start, end in zip(borders[::2], borders[1::2], strict=True) if line[start:end].strip()]
    pending: tuple[int, int] | None = None
    for start, end in cells:
        if word_count(line[start:end]) < CELL_OF_PROSE_WORDS:
            pending = (pending[0] if pending else start, end)
            continue
        if pending:
            yield _stripped(at, line, *pending)
        yield _stripped(at, line, start, end)
        pending = None
    if pending:
        yield _stripped(at, line, *pending)


def _stripped(at: int, line: str, start: int, end: int) -> tuple[int, str]:
    piece = line[start:end].strip()
    return at + line.index(piece[0], start), piece


def _repeated(lines: Iterable[str]) -> frozenset[str]:
    """Running headers and footers: short lines that are no sentence and come again and again, page numbers aside."""
    counts = Counter(
        _DIGITS.sub("0", line) for line in lines if len(line) < LONGEST_HEADER and line[-1] not in SENTENCE_STOPS
    )
    return frozenset(shape for shape, count in counts.items() if count >= REPEATED)


def _line(start: int, text: str, blank_before: bool, repeated: frozenset[str]) -> _Line:
    strong = _STRONG_MARKER.match(text)
    marker = strong.end() if strong else 0
    weak = _WEAK_MARKER.match(text, marker)
    if weak and not _is_date(text, weak.end()):
        marker = weak.end()
    junk = _is_junk(text) or (len(text) < LONGEST_HEADER and _DIGITS.sub("0", text) in repeated)
    alone = junk or text.startswith("#") or bool(_CAPTION.match(text)) or _is_row(text)
    strongly = bool(strong or _SECTION_NUMBER.match(text))
    return _Line(start, text, blank_before, marker, strongly, alone, junk)


def _is_date(text: str, at: int) -> bool:
    """ "3. Oktober" is a date, not the third item."""
    word = _NEXT_WORD.match(text, at)
    return word is not None and word.group().lower() in MONTHS


def _is_row(text: str) -> bool:
    if _CELL_BORDER.search(text):
        return True
    return len(_COLUMN_GAP.findall(text)) > 1


def _is_junk(line: str) -> bool:
    """Page numbers, rules, rows of a table of contents, lines of digits and punctuation."""
    letters = sum(map(str.isalpha, line))
    solid = len(line) - sum(map(str.isspace, line))
    if letters < solid / 2 or _LEADERS.search(line):
        return True
    return len(line) < LONGEST_CONTENTS_ROW and bool(_PAGE_NUMBER.fullmatch(line) or _CONTENTS_ROW.fullmatch(line))


def _runs(lines: list[_Line]) -> Iterator[list[_Line]]:
    """Lines without a blank line between them."""
    run: list[_Line] = []
    for line in lines:
        if run and line.blank_before:
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _flowing(run: list[_Line], width: int) -> Iterator[list[_Line]]:
    block = run[:1]
    for line in run[1:]:
        if _flows(block[-1], line, width):
            block.append(line)
        else:
            yield block
            block = [line]
    yield block


def _usual_length(run: list[_Line]) -> int:
    """Of a full line: the median without headings. The longest would not do: a few lines are longer than they look."""
    longest = max(len(line.text) for line in run)
    lengths = sorted(len(line.text) for line in run if len(line.text) > longest / 3)
    return max(lengths[len(lengths) // 2], SHORTEST_FULL_LINE)


def _wrapped_at(lines: list[_Line]) -> int:
    """The length that most lines of the text come close to, if there is one.

    PDFs join the two lines of a divided word, so the lines of one run may mislead where the whole text does not.
    """
    steps = Counter(len(line.text) // WRAP_STEP for line in lines if len(line.text) > SHORTEST_WRAP)
    if not steps:
        return NOT_WRAPPED
    most = max(steps, key=lambda step: (steps[step] + steps[step + 1], -step))
    near = steps[most] + steps[most + 1]
    wrapped = near >= MOST_LINES * steps.total() and steps.total() >= FEWEST_LINES
    return (most + 2) * WRAP_STEP if wrapped else NOT_WRAPPED


def _flows(line: _Line, following: _Line, width: int) -> bool:
    if line.alone or following.alone or following.strongly_marked:
        return False
    if line.text[-1] in "-\u2010" + DIVISIONS:
        return True
    first_word = following.text.split(maxsplit=1)[0]
    early = len(line.text) + 1 + len(first_word) < SHORT_LINE * width
    if following.marker and (early or line.ended or line.marker):
        return False
    if not early:
        return True
    return width < UNWRAPPED and following.text[0].islower() and not line.ended
