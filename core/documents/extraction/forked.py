"""What every child of a warm parent does before anything else, and how it speaks."""

import ctypes
import json
import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.documents.extraction import spare

PDEATHSIG = 1


@dataclass(frozen=True)
class Descriptors:
    """For the child's output, for its complaints, and for pictures: see `spooling`."""

    out: int
    complaints: int
    spool: int


def leave_parent(given: Descriptors, parent: int) -> None:
    """Die with it, and keep of its descriptors our own. What a library prints is a complaint."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it died before
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(1, 0)
    os.dup2(given.complaints, 1)
    os.dup2(given.complaints, 2)
    first = 3
    for kept in sorted((given.out, given.spool)):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def limit(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (spare.MOST_BYTES, spare.MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with suppress(OSError):  # a machine without memory is to end this process, and no other
        Path("/proc/self/oom_score_adj").write_text("1000")


def say(out: BinaryIO, message: dict[str, object]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()
