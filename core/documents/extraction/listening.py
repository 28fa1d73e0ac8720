"""Receive what a child writes until it has ended, and see to it that it ends in time."""

import os
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from core.documents.extraction import failures
from core.documents.extraction.starting import Reading

LOOK_FOR_STOP_SECONDS = 0.05
READ_BYTES = 1 << 18


class Receiver(Protocol):
    def out(self, data: bytes) -> None: ...
    def err(self, data: bytes) -> None: ...


def listen(
    reading: Reading, received: Receiver, deadline: Callable[[], float], late: Exception, stop: threading.Event
) -> None:
    """Raises `late` once the deadline is over, by the monotonic clock; ExtractionError where `stop` is set, and
    ParentGone."""
    with selectors.DefaultSelector() as selector:
        selector.register(reading.out, selectors.EVENT_READ, received.out)
        selector.register(reading.complaints, selectors.EVENT_READ, received.err)
        selector.register(reading.line, selectors.EVENT_READ)
        while selector.get_map():
            for key in _ready(selector, deadline, late, stop):
                if key.fileobj is reading.line:
                    reading.learn_exit_code()
                    selector.unregister(key.fileobj)
                elif data := os.read(key.fd, READ_BYTES):
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)


def _ready(
    selector: selectors.BaseSelector, deadline: Callable[[], float], late: Exception, stop: threading.Event
) -> Iterator[selectors.SelectorKey]:
    if stop.is_set():
        raise failures.interrupted()
    left = deadline() - time.monotonic()
    if left <= 0:
        raise late
    return (key for key, _ in selector.select(min(left, LOOK_FOR_STOP_SECONDS)))
