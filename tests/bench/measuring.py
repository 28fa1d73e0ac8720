"""Wall and CPU seconds and the peak memory of this process and of its children."""

import logging
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog


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


class Measure(Protocol):
    def __call__(self, scratch: Path, /, *, keep: bool) -> Mapping[str, Mapping[str, Any]]: ...


def by_hand(measure: Measure) -> None:
    """Print the rows of one part of the bench. What is made in a directory that is named is kept there, and used again
    by others that work on the same house."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as directory:
        kept = len(sys.argv) > 1
        for name, row in measure(Path(sys.argv[1] if kept else directory) / "house", keep=kept).items():
            print(f"{name:20}", "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
