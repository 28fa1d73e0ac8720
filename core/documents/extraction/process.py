"""Have a file read by a child of the warm parent, receive what it writes, and end it in time."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

import structlog

from core.documents.extraction import failures, language, starting
from core.documents.extraction.formats import FORMATS, OLE, ZIP
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.listening import listen
from core.documents.extraction.received import Found, OnStage, Received
from core.documents.extraction.received_files import ReceivedFiles, UnpackedFile
from core.documents.extraction.recognizing import recognized
from core.documents.extraction.starting import ParentGone, WarmParent
from core.errors import ExtractionError
from core.injection import detect
from core.injection.detect import Instruction
from core.runtime import tokens
from core.tables.documents import DocumentWarning

log = structlog.get_logger()


@dataclass(frozen=True)
class Extracted:
    """`page_starts` are code point offsets into `text`; where pages mean nothing (`paged`), there is one, 0.

    `warnings`: what the file holds and the text does not; empty, all of it is there. `recognized`: start and end of
    what was read in pictures. `marks`: passages that give instructions to a model; None: not looked for.
    """

    text: str
    page_starts: tuple[int, ...]
    language: str | None
    tokens: int
    paged: bool
    warnings: tuple[DocumentWarning, ...] = ()
    recognized: tuple[tuple[int, int], ...] = ()
    marks: tuple[Instruction, ...] | None = None


def extract(
    path: Path, media_type: str, limits: ExtractionLimits, on_stage: OnStage, *, stop: threading.Event | None = None
) -> Extracted:
    """The text of the file. Raises ExtractionError, whose message says what to do; `stop` ends it early."""
    if media_type not in FORMATS and media_type != OLE:
        raise failures.unknown_type(f"Convert it to one of: {', '.join(known.label for known in FORMATS.values())}")
    stop = stop or threading.Event()
    with _spool(limits) as spool:
        on_stage("reading", 0, 1)
        found = _read(path, media_type, limits, spool, lambda: _received(limits, on_stage), stop)
        read = recognized(found, spool, limits, on_stage, stop)
    if found.pictures and not read.text.strip():
        raise failures.no_text()
    on_stage("language", 0, 1)
    spoken = language.detect(read.text)
    on_stage("tokens", 0, 1)
    counted = tokens.count(read.text)
    on_stage("instructions", 0, 1)
    marks = detect.passages(read.text)
    paged = FORMATS[media_type].paged
    warnings = read.warnings if limits.pictures else (*read.warnings, *_not_looked_at(read.warnings))
    if not paged:
        warnings = tuple(replace(one, pages=()) for one in warnings)
    return Extracted(read.text, read.page_starts, spoken, counted, paged, warnings, read.spans, marks)


@contextmanager
def _spool(limits: ExtractionLimits) -> Iterator[int]:
    """The descriptor of a file without a name."""
    if not limits.pictures:
        with open(os.devnull, "r+b") as nothing:
            yield nothing.fileno()
    else:
        with TemporaryFile(dir=limits.scratch) as file:
            yield file.fileno()


def _not_looked_at(warnings: tuple[DocumentWarning, ...]) -> Iterator[DocumentWarning]:
    """What might have been read, were it not switched off."""
    pictures = [one for one in warnings if one.code in ("PAGES_WITHOUT_TEXT", "PICTURES_UNREAD")]
    if pictures:
        pages = sorted({page for one in pictures for page in one.pages})
        yield DocumentWarning("OCR_OFF", sum(one.count for one in pictures), tuple(pages))


@dataclass(frozen=True)
class Unpacked:
    """The files of an archive, as files of a folder, and what is not among them."""

    files: tuple[UnpackedFile, ...]
    warnings: tuple[DocumentWarning, ...]


def unpack(
    path: Path, folder: Path, most_of_a_file: int, limits: ExtractionLimits, on_stage: OnStage, stop: threading.Event
) -> Unpacked:
    """The files of an archive into `folder`, which is empty. Raises ExtractionError as `extract`."""
    made: list[ReceivedFiles] = []

    def receiver() -> ReceivedFiles:
        made.append(ReceivedFiles(on_stage, most_of_a_file, folder))
        return made[-1]

    limits = replace(limits, text_characters=most_of_a_file, pictures=0)
    try:
        with _spool(limits) as nothing:
            found = _read(path, ZIP, limits, nothing, receiver, stop)
    finally:
        for one in made:
            one.close()
    return Unpacked(tuple(made[-1].files), found.warnings)


def _received(limits: ExtractionLimits, on_stage: OnStage) -> Received:
    return Received(on_stage, limits.text_characters, limits.pictures)


def _read(
    path: Path,
    media_type: str,
    limits: ExtractionLimits,
    spool: int,
    receiver: Callable[[], Received],
    stop: threading.Event,
) -> Found:
    try:
        return _read_by(starting.shared(), path, media_type, limits, spool, receiver(), stop)
    except ParentGone:
        log.warning("the parent of the readers is gone; the file is read again")
    try:
        # By a parent of its own: a file that ends parents does so alone.
        with WarmParent() as own:
            return _read_by(own, path, media_type, limits, spool, receiver(), stop)
    except ParentGone:
        raise failures.corrupt("twice the process that reads files ended with it") from None


def _read_by(
    parent: WarmParent,
    path: Path,
    media_type: str,
    limits: ExtractionLimits,
    spool: int,
    received: Received,
    stop: threading.Event,
) -> Found:
    asked = [math.ceil(limits.seconds), limits.text_characters, limits.pictures, limits.sandbox]
    reading = parent.hand_over([media_type, str(path.resolve()), limits.memory_bytes, *asked], spool)
    deadline = time.monotonic() + limits.seconds
    try:
        listen(reading, received, lambda: deadline, failures.timeout(limits.seconds), stop)
    finally:
        reading.end()
    if received.error:
        if received.complaint:
            log.warning("a reader could not read a file", code=received.error.code, complaint=received.complaint)
        off = received.error.code == "NO_TEXT" and not limits.pictures
        raise failures.ocr_is_off() if off else received.error
    found = None if reading.exit_code else received.found()
    if found is None:
        log.warning("a reader ended without an answer", exit_code=reading.exit_code, complaint=received.complaint)
        raise _explained(reading.exit_code or 0, received.complaint, limits)
    return found


def _explained(returncode: int, complaint: str, limits: ExtractionLimits) -> ExtractionError:
    """Why the child ended without a result."""
    if returncode == -signal.SIGABRT or "MemoryError" in complaint:
        return failures.out_of_memory()  # what libraries in C and Rust do when they get none
    if returncode == -signal.SIGXCPU:
        return failures.timeout(limits.seconds)
    if returncode < 0:
        return failures.corrupt(f"its reader was ended by {_signal_name(-returncode)}")
    # What it complains of may hold words of the file: it is in the log.
    return ExtractionError(
        f"The reader of this type ended with exit code {returncode}, and the log has the reason. "
        "Repair the installation, then try again."
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
