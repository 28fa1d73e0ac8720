"""Have one page of a PDF drawn by a child of a warm parent, and end it in time."""

import math
import os
import threading
import time
from pathlib import Path

import structlog

from core.documents.extraction import starting
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.listening import listen
from core.documents.extraction.starting import ParentGone
from core.errors import ExtractionError

log = structlog.get_logger()
# A page at the size in which it is drawn takes a tenth of it.
MOST_BYTES = 6 << 20
JPEG = b"\xff\xd8\xff"
SECONDS = 20.0
COMPLAINT_BYTES = 2_000


class Drawn:
    """What has come so far. A stranger's code may be in the child's place: it may draw something else, and no more."""

    def __init__(self) -> None:
        self.bytes, self.complaint = bytearray(), bytearray()

    def out(self, data: bytes) -> None:
        self.bytes += data
        if len(self.bytes) > MOST_BYTES:
            raise not_drawn("its picture is too large")

    def err(self, data: bytes) -> None:
        self.complaint += data[: max(0, COMPLAINT_BYTES - len(self.complaint))]


def draw(path: Path, number: int, limits: ExtractionLimits) -> bytes:
    """The page as a JPEG; its number counts from 0. Raises ExtractionError."""
    seconds = min(SECONDS, limits.seconds)
    received = Drawn()
    message = [str(path.resolve()), number, limits.memory_bytes, math.ceil(seconds), limits.sandbox]
    with open(os.devnull, "r+b") as nothing:
        try:
            reading = starting.shared("page_child").hand_over(message, nothing.fileno())
            deadline = time.monotonic() + seconds
            try:
                listen(reading, received, lambda: deadline, not_drawn("it takes too long"), threading.Event())
            finally:
                reading.end()
        except ParentGone:
            raise not_drawn("its process ended") from None
    if reading.exit_code or not received.bytes.startswith(JPEG):
        log.warning("a page could not be drawn", complaint=received.complaint.decode("utf-8", "replace"))
        raise not_drawn("the file does not allow it")
    return bytes(received.bytes)


def not_drawn(why: str) -> ExtractionError:
    return ExtractionError(f"This page could not be drawn: {why}. Download the original to see it.")
