"""The memory that this process may use: the machine's, or the container's where that has less."""

from contextlib import suppress
from pathlib import Path

import psutil

# Of version 2 and 1 of control groups.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total_mb() -> int:
    found: list[int] = [psutil.virtual_memory().total]
    for limit in LIMITS:
        # No such group, or "max".
        with suppress(OSError, ValueError):
            found.append(int(Path(limit).read_text()))
    return min(found) >> 20
