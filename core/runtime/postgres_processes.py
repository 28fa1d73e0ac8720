"""The PostgreSQL processes of a cluster, found by the directory that they work in, and ended."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from core.errors import ConfigurationError

LOOK_EVERY_S = 0.02


def processes_in(directory: Path) -> list[psutil.Process]:
    """The living PostgreSQL processes that work in this directory: pid files may lie, the kernel does not."""
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] in ("postgres", "initdb") and _lives_in(process, directory)
    ]


def _lives_in(process: psutil.Process, directory: Path) -> bool:
    try:
        where = f"/proc/{process.pid}/cwd" if psutil.LINUX else process.cwd()  # as a name it may be a container's
        return os.path.samefile(where, directory) and _lives(process)
    except (psutil.Error, OSError):
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        alive: bool = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    return alive


def _leads(process: psutil.Process) -> bool:
    """The postmaster, or initdb: everything else in a cluster has its command line overwritten."""
    try:
        return "-D" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def end(processes: list[psutil.Process], patience_s: float) -> None:
    """Let a leader shut down in order within `patience_s` seconds. Processes that stay, or have no leader any more, end
    as in a crash: the next start recovers. Raises ConfigurationError where not even SIGKILL ends one."""
    leaders = [process for process in processes if _leads(process)]
    patience_s = patience_s if leaders else 1
    left = _signal_and_wait(processes, leaders, signal.SIGINT, patience_s)
    left = _signal_and_wait(left, left, signal.SIGQUIT, 5)
    left = _signal_and_wait(left, left, signal.SIGKILL, 5)
    if left:
        raise ConfigurationError(
            f"PostgreSQL processes {', '.join(str(process.pid) for process in left)} of an earlier run do not end, "
            "not even by SIGKILL. Look at the disk under DATA_DIR, then start again."
        )


def _signal_and_wait(
    processes: list[psutil.Process], receivers: list[psutil.Process], number: signal.Signals, patience_s: float
) -> list[psutil.Process]:
    """Returns the processes that still live. psutil sends nothing to a process that got the pid of one that ended."""
    for process in receivers:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    deadline = time.monotonic() + patience_s
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return left
