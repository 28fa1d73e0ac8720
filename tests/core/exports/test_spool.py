"""Downloads that grow while they are read: whole, broken off after an error, and given up when nobody reads them."""

import threading
from typing import Any, BinaryIO

import pytest

from core.exports import spool
from core.runtime import scratch, workspace
from core.runtime.disk import DiskFull
from tests.pipeline import PATIENCE_S

SIZE = 3 * spool.CHUNK


def test_what_is_written_is_read_while_it_grows_and_leaves_no_file() -> None:
    read = threading.Event()

    def make(file: BinaryIO) -> None:
        file.write(b"a" * SIZE)
        assert read.wait(PATIENCE_S)
        file.write(workspace.current().encode())

    with workspace.bound("ws_other"):
        stream = spool.stream(make)
    found = [next(stream)]
    read.set()
    found += stream
    assert b"".join(found) == b"a" * SIZE + b"ws_other"
    assert list((scratch.root() / "exports").iterdir()) == []


def test_a_download_that_fails_breaks_off() -> None:
    def make(file: BinaryIO) -> None:
        file.write(b"a" * SIZE)
        raise LookupError("the database is away")

    stream = spool.stream(make)
    assert next(stream)
    with pytest.raises(LookupError):
        list(stream)


def test_a_full_disk_ends_a_download_before_the_database(setting: Any) -> None:
    setting(MIN_FREE_DISK_MB=1 << 40)

    def make(file: BinaryIO) -> None:
        file.write(b"a" * SIZE)

    with pytest.raises(DiskFull):
        list(spool.stream(make))


def test_nothing_is_made_for_nobody() -> None:
    went, ended = threading.Event(), threading.Event()

    def make(file: BinaryIO) -> None:
        try:
            file.write(b"a" * SIZE)
            assert went.wait(PATIENCE_S)
            with pytest.raises(spool.Abandoned):
                file.write(b"a")
        finally:
            ended.set()

    stream = spool.stream(make)
    next(stream)
    stream.close()
    went.set()
    assert ended.wait(PATIENCE_S)
