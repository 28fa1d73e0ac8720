"""`python -m tests.processes.jobs_with_clock FILE`: a jobs process whose clock is off by the seconds in that file."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from jobs.__main__ import main as jobs

LOOK_EVERY_S = 0.05


def follow(file: Path, clock: time_machine.Traveller) -> None:
    off = 0.0
    while True:
        said = float(file.read_text() or off)
        clock.shift(said - off)
        off = said
        threading.Event().wait(LOOK_EVERY_S)


if __name__ == "__main__":
    clock = time_machine.travel(datetime.now(UTC), tick=True).start()
    threading.Thread(target=follow, args=(Path(sys.argv[1]), clock), daemon=True).start()
    sys.exit(jobs([]))
