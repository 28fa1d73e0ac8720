"""A provider on this machine that has batches as well as live calls: files, batches, results, and what goes wrong.

A test says what becomes of a line with a `line_plan`; without one every request is answered, as in `LocalProvider`.
Batches go on by themselves, a state per retrieve, or with `auto` off as the test says.
"""

import contextlib
from collections.abc import Iterator

from tests.batch_provider.faults import FileFault
from tests.batch_provider.lines import NOTHING_USED, AskedLine, Line, Used, lines_in_turn
from tests.batch_provider.server import BatchProvider
from tests.batch_provider.state import Batch, Billed, StoredFile

__all__ = [
    "NOTHING_USED",
    "AskedLine",
    "Batch",
    "BatchProvider",
    "Billed",
    "FileFault",
    "Line",
    "StoredFile",
    "Used",
    "lines_in_turn",
    "running",
]


@contextlib.contextmanager
def running() -> Iterator[BatchProvider]:
    server = BatchProvider()
    server.start()
    try:
        yield server
    finally:
        server.stop()
