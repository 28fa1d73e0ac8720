"""A real `python -m jobs`: started, looked at, stopped and really killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], Any], seconds: float, otherwise: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, str(otherwise())
        time.sleep(0.02)


class JobsProcess:
    MODULE = "jobs"

    def __init__(self, url: str, log: Path, *arguments: str, **env: str):
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.MODULE, *arguments],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": url, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def text(self) -> str:
        return self.log.read_text()[-6000:]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 10) -> float:
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(seconds)
        return time.monotonic() - begun


Start = Callable[..., JobsProcess]
