"""Have the words of pictures recognized, by several children at a time, and put them into the text.

What a child says is a stranger's word, as in `received`: a picture may have taken its place.
"""

import json
import math
import os
import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from core.documents.extraction import failures, starting
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.listening import listen
from core.documents.extraction.ocr_child import MOST_CHARACTERS
from core.documents.extraction.pages import MOST_PAGES
from core.documents.extraction.received import COMPLAINT_CHARACTERS, LARGEST, Found, OnStage, PictureFound
from core.documents.extraction.starting import ParentGone
from core.errors import ExtractionError
from core.tables.documents import DocumentWarning, WarningCode

STAGE = "recognizing words"
# A dense page takes four where nobody else computes.
SECONDS_EACH, SECONDS_TO_START = 180.0, 60.0
# Of one document, in all.
MOST_SECONDS = 3600.0
# That one child takes: loading its models takes as long as a small picture.
MOST_AT_ONCE = 16
# Children of one document that end before they have their models.
MOST_FUTILE = 3
# Of the lines that were seen in a picture: with more doubtful ones among them it is named as hardly legible.
DOUBTFUL = 0.2
FEW_LINES = 2
LINE_BYTES = 12 * MOST_CHARACTERS
# Children of this process at a time, of all documents: each has one thread.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_places = threading.BoundedSemaphore(CORES)
log = structlog.get_logger()


@dataclass(frozen=True)
class Recognized:
    """`spans`: start and end of what was recognized in the text, in its order."""

    text: str
    page_starts: tuple[int, ...]
    warnings: tuple[DocumentWarning, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Words:
    text: str
    doubtful: bool


def recognized(
    found: Found, spool: int, limits: ExtractionLimits, on_stage: OnStage, stop: threading.Event
) -> Recognized:
    """Raises ExtractionError. A picture that cannot be read is named in the warnings, and costs no document."""
    if not found.pictures:
        return Recognized(found.text, found.page_starts, found.warnings, ())
    words = _Work(found.pictures, spool, limits, on_stage, stop).done()
    return _put_in(found, words, limits.text_characters)


class _Work:
    """The pictures of one document, in the hands of several children."""

    def __init__(
        self,
        pictures: Sequence[PictureFound],
        spool: int,
        limits: ExtractionLimits,
        on_stage: OnStage,
        stop: threading.Event,
    ) -> None:
        self._pictures, self._spool, self._limits, self._on_stage = pictures, spool, limits, on_stage
        self._stop = stop
        self._waiting = deque(range(len(pictures)))
        self._words: dict[int, Words | None] = {}
        self._lock = threading.Lock()
        self._futile = 0
        self._until = time.monotonic() + MOST_SECONDS

    def done(self) -> dict[int, Words | None]:
        """By the number of a picture; None, or no entry, where it could not be read."""
        self._on_stage(STAGE, 0, len(self._pictures))
        threads = min(CORES, len(self._pictures))
        if threads == 1:
            self._take_all()
        else:
            with ThreadPoolExecutor(threads) as pool:
                for one in [pool.submit(self._take_all) for _ in range(threads)]:
                    one.result()
        return self._words

    def _take_all(self) -> None:
        while taken := self._take():
            with _places:
                self._recognize(taken)

    def _take(self) -> list[int]:
        with self._lock:
            if time.monotonic() > self._until:
                self._waiting.clear()
            # Shares are small towards the end, so that no child is left alone with many.
            share = min(MOST_AT_ONCE, math.ceil(len(self._waiting) / (2 * CORES)))
            return [self._waiting.popleft() for _ in range(share)]

    def _recognize(self, taken: list[int]) -> None:
        """What a child leaves behind when it ends early goes to the next one, but for the picture that ended it."""
        said = _Said(len(taken))
        try:
            self._by_a_child(taken, said)
        except ParentGone:
            log.warning("the parent of those who recognize words is gone")
        except _Late:
            log.warning("recognizing the words of a picture took too long")
        except ExtractionError as error:
            if error.retryable:
                raise
        with self._lock:
            self._words |= dict(zip(taken, said.words, strict=False))
            left = taken[len(said.words) :]
            if left and said.ready:
                self._words[left.pop(0)] = None
            elif left:
                self._futile += 1
            self._waiting.extendleft(reversed(left))
            if self._futile >= MOST_FUTILE:  # no child comes so far: what is missing is the installation's
                log.error("no words can be recognized", complaint=said.complaint)
                self._waiting.clear()
            self._on_stage(STAGE, len(self._words), len(self._pictures))

    def _by_a_child(self, taken: list[int], said: "_Said") -> None:
        places = [[self._pictures[number].start, self._pictures[number].length] for number in taken]
        seconds = math.ceil(SECONDS_TO_START + SECONDS_EACH * len(taken))
        message = [places, self._limits.recognizing_memory_bytes, seconds, self._limits.sandbox]
        reading = starting.shared("ocr_child").hand_over(message, self._spool)
        try:
            listen(reading, said, lambda: min(said.deadline, self._until), _Late(), self._stop)
        finally:
            reading.end()
        if reading.exit_code:
            log.warning("a child that recognizes words ended", exit_code=reading.exit_code, complaint=said.complaint)


class _Late(Exception):
    """A picture takes too long."""


class _Said:
    """What one child has said so far. Raises ExtractionError for what it would not say."""

    def __init__(self, pictures: int) -> None:
        self.ready = False
        self.words: list[Words | None] = []
        self.complaint = ""
        self.deadline = time.monotonic() + SECONDS_TO_START
        self._pictures = pictures
        self._rest = b""

    def err(self, data: bytes) -> None:
        self.complaint = (self.complaint + data.decode(errors="replace"))[-COMPLAINT_CHARACTERS:]

    def out(self, data: bytes) -> None:
        self._rest += data
        while b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            self._line(line)
        if len(self._rest) > LINE_BYTES or len(self.words) > self._pictures:
            raise failures.unusable()

    def _line(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise failures.unusable() from None
        match message:
            case {"ready": True}:
                self.ready = True
            case {"failed": True}:
                self.words.append(None)
            case {"seen": str(text), "lines": lines, "doubtful": doubtful} if (
                len(text) <= MOST_CHARACTERS and "\0" not in text and _are_counts(lines, doubtful)
            ):
                # Where nothing can be read, a few lines are the pattern of a photograph.
                self.words.append(Words(text.strip(), doubtful > (DOUBTFUL * lines if text.strip() else FEW_LINES)))
            case _:
                raise failures.unusable()
        self.deadline = time.monotonic() + SECONDS_EACH


def _are_counts(*values: object) -> bool:
    return all(type(value) is int and 0 <= value <= LARGEST for value in values)


def _put_in(found: Found, words: dict[int, Words | None], most: int) -> Recognized:
    said: list[str] = []
    spans: list[tuple[int, int]] = []
    added: list[tuple[int, int]] = []  # where in the old text, and how much
    end = length = 0
    for number, picture in sorted(enumerate(found.pictures), key=lambda one: one[1].at):
        one = words.get(number)
        if one is None or not one.text:
            continue
        before, after = _around(found.text, picture.at, bool(added) and added[-1][0] == picture.at)
        piece = f"{before}{one.text}{after}"
        said += [found.text[end : picture.at], piece]
        length += picture.at - end
        spans.append((length + len(before), length + len(before) + len(one.text)))
        length += len(piece)
        added.append((picture.at, len(piece)))
        end = picture.at
    text = "".join([*said, found.text[end:]])
    if len(text) > most:
        raise failures.too_large(f"it has more than {most:,} characters of text")
    starts = tuple(start + sum(more for at, more in added if at < start) for start in found.page_starts)
    return Recognized(text, starts, _warnings(found, words, text, starts), tuple(spans))


def _around(text: str, at: int, follows: bool) -> tuple[str, str]:
    """Words of a picture stand on lines of their own."""
    before = "\n" if follows or (at and text[at - 1] != "\n") else ""
    return before, "\n" if at < len(text) and text[at] != "\n" else ""


def _warnings(
    found: Found, words: dict[int, Words | None], text: str, starts: tuple[int, ...]
) -> tuple[DocumentWarning, ...]:
    """Those of the reader, and what could not be recognized."""
    counts: Counter[WarningCode] = Counter()
    pages: dict[WarningCode, set[int]] = {}

    def name(code: WarningCode, page: int, count: int = 1) -> None:
        counts[code] += count
        pages.setdefault(code, set()).add(page)

    blank: set[int] = set()
    for number, picture in enumerate(found.pictures):
        page, one = bisect_right(found.page_starts, picture.at), words.get(number)
        if one is None:
            name(picture.code, page, picture.count)
        elif not one.text and picture.alone:
            name("PAGES_WITHOUT_TEXT", page)
        elif _is_blank(text, starts, page):
            blank.add(page)
        elif one.doubtful:
            name("WORDS_UNSURE", page)
    for page in blank:
        name("PAGES_WITHOUT_TEXT", page)
    known = {warning.code: warning for warning in found.warnings}
    for code, count in counts.items():
        old = known.get(code, DocumentWarning(code, 0))
        both = tuple(sorted({*old.pages, *pages[code]})[:MOST_PAGES])
        known[code] = DocumentWarning(code, old.count + count, both)
    return tuple(known.values())


def _is_blank(text: str, starts: tuple[int, ...], page: int) -> bool:
    return not text[starts[page - 1] : starts[page] if page < len(starts) else len(text)].strip()


def pages_of(spans: Sequence[tuple[int, int]], starts: Sequence[int]) -> tuple[int, ...]:
    """Numbers of the pages, from 1, on which spans lie."""
    return tuple(sorted({bisect_right(starts, start) for start, _ in spans}))
