"""A download that is made at the speed of the database and read at the speed of its reader.

What is written goes into a file of DATA_DIR, from which it is sent while it grows. So a slow reader holds no
transaction open, memory stays flat, and the first bytes are on their way before the last row is read.
"""

import contextvars
import io
import os
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, cast

from core.runtime import disk, scratch
from core.runtime.ids import new_id

AT_ONCE = 4
CHUNK = 1 << 16
_makers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cairn-export")


class Abandoned(OSError):
    """Nobody reads it any more."""


class _Growing(io.RawIOBase):
    """Written in one thread and read in another. The file has no name: it is gone with its last user."""

    def __init__(self) -> None:
        path = scratch.make(scratch.root() / "exports") / new_id("exp")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        path.unlink()
        self._waiting = bytearray()
        self._size = 0
        self._users = 2
        self._abandoned = self._ended = False
        self._changed = threading.Condition()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size + len(self._waiting)

    def close(self) -> None:
        """What writes into it closes it, also after an error: what is left to read must stay."""

    def flush(self) -> None:
        """Raises Abandoned where nobody reads it any more, and DiskFull before the database has no room."""
        self._check_reader()
        disk.check_room_for(0)

    def _check_reader(self) -> None:
        if self._abandoned:
            raise Abandoned

    def write(self, data: Any) -> int:
        self._check_reader()
        self._waiting += data
        if len(self._waiting) >= CHUNK:
            self._pass_on()
        return memoryview(data).nbytes

    def _pass_on(self) -> None:
        self.flush()
        view = memoryview(bytes(self._waiting))
        self._waiting.clear()
        size = len(view)
        while view:
            view = view[os.write(self._descriptor, view) :]
        with self._changed:
            self._size += size
            self._changed.notify()

    def fill(self, make: Callable[[BinaryIO], None]) -> None:
        try:
            self._check_reader()
            make(cast(BinaryIO, self))
            self._pass_on()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            self._leave()

    def read_as_it_grows(self, making: "Future[None]") -> Iterator[bytes]:
        at = 0
        try:
            while True:
                with self._changed:
                    while self._size <= at and not self._ended:
                        self._changed.wait()
                if data := os.pread(self._descriptor, CHUNK, at):
                    at += len(data)
                    yield data
                elif self._ended:
                    break
            making.result()
        finally:
            self._abandoned = True
            self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._users -= 1
            if not self._users:
                os.close(self._descriptor)


def stream(make: Callable[[BinaryIO], None]) -> Generator[bytes, None, None]:
    """What `make` writes, which begins when the first bytes are asked for. What it raises is raised here, at the end:
    a download that fails breaks off, and is never silently short. Whoever reads no further closes it, and no more is
    made."""
    context = contextvars.copy_context()
    return _begun(make, context)


def _begun(make: Callable[[BinaryIO], None], context: contextvars.Context) -> Generator[bytes, None, None]:
    growing = _Growing()
    yield from growing.read_as_it_grows(_makers.submit(context.run, growing.fill, make))
