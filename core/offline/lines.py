"""Lines of a text, put together to blocks: paragraphs, headings, list items, cells and rows of tables.

Extracted text is wrapped in every way: one line per paragraph, lines of equal length, lines with a page's header in
between. A line flows into the next unless something speaks against it: a blank line, a marker, or an early end.

A text may have a million short lines. So those that read the same are looked at once, and what is kept of each are
entries of lists rather than an object that the garbage collector would walk over again and again.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

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

_STATEMENT_STOPS = frozenset((*SENTENCE_STOPS, ":", ";"))

_LINE = re.compile(r"[^\n\r\f\v\u0085\u2028\u2029]+")
_STRONG_MARKER = re.compile(r"(?:[-*+•‣▪▸◦●○■□·✓➢]|#{1,6}|>[>\s]*)\s+(?=\S)|>+(?=\S)")
_WEAK_MARKER = re.compile(
    r"(?:[–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z]\)|\(?[ivx]{1,4}\)|(?:§\s*)?\d{1,3}(?:\.\d{1,3})+\.?)\s+(?=[^\W\d_])"
)
_DECIMAL = re.compile(r"\d+\.\d+\s+")
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


class TextBlock(NamedTuple):
    start: int
    end: int
    junk: bool
    # A heading or a row of a table: never a sentence, whatever it looks like.
    alone: bool


class _Line(NamedTuple):
    """What its own characters say. `marker` is the length of what marks it as an item."""

    text: str
    marker: int
    strongly_marked: bool
    alone: bool
    junk: bool

    @property
    def ended(self) -> bool:
        return self.text.rstrip(CLOSING)[-1:] in _STATEMENT_STOPS


class _Lines(NamedTuple):
    starts: list[int]
    blank_before: list[bool]
    lines: list[_Line]


def blocks(text: str) -> Iterator[TextBlock]:
    starts, blank_before, lines = _lines(text)
    limit = _wrapped_at(lines)
    for run in _runs(blank_before):
        width = min(limit, _usual_length(lines[run.start : run.stop]))
        for first, last in _flowing(lines, run, width):
            opening = lines[first]
            junk = opening.junk and all(line.junk for line in lines[first : last + 1])
            yield TextBlock(starts[first] + opening.marker, starts[last] + len(lines[last].text), junk, opening.alone)


def _lines(text: str) -> _Lines:
    pieces = list(_pieces(text))
    counts = Counter(piece for _, piece in pieces)
    repeated = _repeated(counts)
    known = {piece: _line(piece, piece in repeated) for piece in counts}
    blank_before = []
    previous = 0
    for start, piece in pieces:
        gap = text[previous:start]
        blank_before.append(gap != "\n" and ("\f" in gap or max(gap.count("\n"), gap.count("\r")) > 1))
        previous = start + len(piece)
    return _Lines([start for start, _ in pieces], blank_before, [known[piece] for _, piece in pieces])


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Lines without the white space around them. In rows of a table cells of prose stand for themselves."""
    for match in _LINE.finditer(text):
        line = match.group()
        stripped = line.strip()
        if _CELL_BORDER.search(stripped):
            yield from _cells(match.start(), line)
        elif stripped:
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


def _repeated(lines: Counter[str]) -> frozenset[str]:
    """Running headers and footers: short lines that are no sentence and come again and again, page numbers aside."""
    shapes = {
        line: _DIGITS.sub("0", line) for line in lines if len(line) < LONGEST_HEADER and line[-1] not in SENTENCE_STOPS
    }
    counts: Counter[str] = Counter()
    for line, shape in shapes.items():
        counts[shape] += lines[line]
    return frozenset(line for line, shape in shapes.items() if counts[shape] >= REPEATED)


def _line(text: str, repeated: bool) -> _Line:
    strong = _STRONG_MARKER.match(text)
    marker = strong.end() if strong else 0
    weak = _WEAK_MARKER.match(text, marker)
    if weak and not _is_date(text, weak.end()) and not _is_amount(weak):
        marker = weak.end()
    junk = repeated or _is_junk(text)
    alone = junk or text.startswith("#") or bool(_CAPTION.match(text)) or _is_row(text)
    return _Line(text, marker, bool(strong or _SECTION_NUMBER.match(text)), alone, junk)


def _is_date(text: str, at: int) -> bool:
    """ "3. Oktober" is a date, not the third item."""
    word = _NEXT_WORD.match(text, at)
    return word is not None and word.group().lower() in MONTHS


def _is_amount(marker: re.Match[str]) -> bool:
    """ "3.5 million people" is an amount, not section 3.5."""
    return bool(_DECIMAL.fullmatch(marker.group())) and marker.string[marker.end()].islower()


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


def _runs(blank_before: list[bool]) -> Iterator[range]:
    """Lines without a blank line between them."""
    start = 0
    for i, blank in enumerate(blank_before):
        if blank and i > start:
            yield range(start, i)
            start = i
    if start < len(blank_before):
        yield range(start, len(blank_before))


def _flowing(lines: list[_Line], run: range, width: int) -> Iterator[tuple[int, int]]:
    """First and last line of each block."""
    first = run.start
    for i in run[1:]:
        if not _flows(lines[i - 1], lines[i], width):
            yield first, i - 1
            first = i
    yield first, run.stop - 1


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
