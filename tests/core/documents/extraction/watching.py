"""See the processes that read files: the warm parent and its children."""

import os
from contextlib import suppress
from pathlib import Path

import psutil

from tests.pipeline import until_now

PARENT = "core.documents.extraction.parent"


def parents(of: psutil.Process | None = None, kind: str = "child") -> list[psutil.Process]:
    """Those of readers, or with `ocr_child` those of children that recognize words."""
    return [one for one in (of or psutil.Process()).children() if _command(one)[-2:] == [PARENT, kind]]


def readers(of: psutil.Process | None = None) -> list[psutil.Process]:
    """Children of parents that hold a file, in all parents of a process."""
    return [child for parent in parents(of) for child in _children(parent)]


def reader(of: psutil.Process | None = None) -> psutil.Process:
    """The one that reads, once it has left its parent behind."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = [one for one in readers(of) if _has_left(one)]
        return bool(found)

    until_now(is_there)
    return found[0]


def until_gone(*processes: psutil.Process) -> None:
    until_now(lambda: all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in processes))


def descriptors(pid: int) -> dict[int, str]:
    """What each descriptor of a process is: `socket`, `pipe` or a path."""
    folder = Path(f"/proc/{pid}/fd")
    found = {}
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):  # that of this very listing
            found[int(name)] = os.readlink(folder / name).partition(":")[0]
    return found


def descriptors_once(pid: int, number: int) -> dict[int, str]:
    """Once it has so many."""
    found: dict[int, str] = {}

    def has_so_many() -> bool:
        found.clear()
        found.update(descriptors(pid))
        return len(found) == number

    until_now(has_so_many)
    return found


def _has_left(process: psutil.Process) -> bool:
    """It has its pipes and none of its parent's sockets; a dead one has neither."""
    try:
        has = descriptors(process.pid).values()
    except FileNotFoundError:
        return False
    return "pipe" in has and "socket" not in has


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
