"""Have a file read by a child of the warm parent, receive what it writes, and end it in time."""

import os
import selectors
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import structlog

from core.documents.extraction import failures, language, starting
from core.documents.extraction.formats import FORMATS, OLE
from core.documents.extraction.received import Found, OnStage, Received
from core.documents.extraction.starting import ParentGone, Reading, WarmParent
from core.errors import ExtractionError
from core.runtime import tokens
from core.tables.documents import DocumentWarning

LOOK_FOR_STOP_SECONDS = 0.05
READ_BYTES = 1 << 18
log = structlog.get_logger()


@dataclass(frozen=True)
class Extracted:
    """`page_starts` are code point offsets into `text`; where pages mean nothing (`paged`), there is one, 0.

    `warnings`: what the file holds and the text does not; empty, all of it is there.
    """

    text: str
    page_starts: tuple[int, ...]
    language: str | None
    tokens: int
    paged: bool
    warnings: tuple[DocumentWarning, ...] = ()


@dataclass(frozen=True)
class ExtractionLimits:
    memory_bytes: int = 1_500_000_000
    seconds: float = 120
    text_characters: int = 20_000_000
    sandbox: Literal["auto", "required", "off"] = "auto"


def extract(
    path: Path, media_type: str, limits: ExtractionLimits, on_stage: OnStage, *, stop: threading.Event | None = None
) -> Extracted:
    """The text of the file. Raises ExtractionError, whose message says what to do; `stop` ends it early."""
    if media_type not in FORMATS and media_type != OLE:
        raise failures.unknown_type(f"Convert it to one of: {', '.join(known.label for known in FORMATS.values())}")
    on_stage("reading", 0, 1)
    found = _read(path, media_type, limits, on_stage, stop)
    on_stage("language", 0, 1)
    spoken = language.detect(found.text)
    on_stage("tokens", 0, 1)
    counted = tokens.count(found.text)
    paged = FORMATS[media_type].paged
    warnings = found.warnings if paged else tuple(replace(one, pages=()) for one in found.warnings)
    return Extracted(found.text, found.page_starts, spoken, counted, paged, warnings)


def _read(
    path: Path, media_type: str, limits: ExtractionLimits, on_stage: OnStage, stop: threading.Event | None
) -> Found:
    stop = stop or threading.Event()
    try:
        return _read_by(starting.shared(), path, media_type, limits, on_stage, stop)
    except ParentGone:
        log.warning("the parent of the readers is gone; the file is read again")
    try:
        # By a parent of its own: a file that ends parents does so alone.
        with WarmParent() as own:
            return _read_by(own, path, media_type, limits, on_stage, stop)
    except ParentGone:
        raise failures.corrupt("twice the process that reads files ended with it") from None


def _read_by(
    parent: WarmParent,
    path: Path,
    media_type: str,
    limits: ExtractionLimits,
    on_stage: OnStage,
    stop: threading.Event,
) -> Found:
    received = Received(on_stage, limits.text_characters)
    reading = parent.hand_over(
        path,
        media_type,
        memory_bytes=limits.memory_bytes,
        seconds=limits.seconds,
        characters=limits.text_characters,
        sandbox=limits.sandbox,
    )
    try:
        _listen(reading, received, limits.seconds, stop)
    finally:
        reading.end()
    if received.error:
        if received.complaint:
            log.warning("a reader could not read a file", code=received.error.code, complaint=received.complaint)
        raise received.error
    found = None if reading.exit_code else received.found()
    if found is None:
        log.warning("a reader ended without an answer", exit_code=reading.exit_code, complaint=received.complaint)
        raise _explained(reading.exit_code or 0, received.complaint, limits)
    return found


def _listen(reading: Reading, received: Received, seconds: float, stop: threading.Event) -> None:
    """Until the child has ended. Raises ExtractionError when it must be ended, and ParentGone."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(reading.out, selectors.EVENT_READ, received.out)
        selector.register(reading.complaints, selectors.EVENT_READ, received.err)
        selector.register(reading.line, selectors.EVENT_READ)
        while selector.get_map():
            for key in _ready(selector, deadline, seconds, stop):
                if key.fileobj is reading.line:
                    reading.learn_exit_code()
                    selector.unregister(key.fileobj)
                elif data := os.read(key.fd, READ_BYTES):
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)


def _ready(
    selector: selectors.BaseSelector, deadline: float, seconds: float, stop: threading.Event
) -> Iterator[selectors.SelectorKey]:
    if stop.is_set():
        raise failures.interrupted()
    left = deadline - time.monotonic()
    if left <= 0:
        raise failures.timeout(seconds)
    return (key for key, _ in selector.select(min(left, LOOK_FOR_STOP_SECONDS)))


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
