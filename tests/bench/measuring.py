"""Wall and CPU seconds and the peak memory of this process and of its children."""

import re
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Taken:
    wall_s: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def taken() -> Iterator[Taken]:
    result = Taken()
    wall, cpu = time.perf_counter(), time.process_time()
    yield result
    result.wall_s, result.cpu_s = time.perf_counter() - wall, time.process_time() - cpu


def peak_mb() -> int:
    """From /proc: in a new process, rusage has the parent's peak until it has grown beyond it."""
    return _of_this_process("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def now_mb() -> int:
    return _of_this_process("VmRSS") or peak_mb()


def _of_this_process(name: str) -> int:
    try:
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except FileNotFoundError:
        return 0
    return int(found[1]) // 1024 if found else 0


def p50_p95_ms(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=20)
    return round(statistics.median(seconds) * 1000, 1), round(cuts[-1] * 1000, 1)
