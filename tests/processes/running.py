"""Real processes of ours, `python -m jobs` and web: started, looked at, stopped and really killed.

What takes longest in a start, two to three seconds of CPU, is what it imports. A server that has imported it is forked
for each; what runs in the new process is the program from its first line on, in an environment of its own.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.pipeline import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.processes.imported"])


def until(condition: Callable[[], Any], otherwise: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, str(otherwise())
        time.sleep(0.05)


def run(module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
    """In the new process."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, log, os.O_WRONLY), (2, log, os.O_WRONLY)):
        opened = os.open(name, flags | (os.O_APPEND if number else 0))
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


@contextmanager
def no_main() -> Iterator[None]:
    """AppTest leaves the page that it ran as `__main__`, and a new process would run that first."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    yield
    sys.modules["__main__"] = main


class Process:
    """As much of a `subprocess.Popen` as is asked for."""

    def __init__(self, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path):
        self._process = FORKS.Process(target=run, args=(module, arguments, dict(env), log))
        with no_main():
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, seconds: float | None = None) -> int:
        self._process.join(seconds)
        assert self.returncode is not None, f"it did not end in {seconds} s"
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class JobsProcess:
    MODULE = "jobs"

    def __init__(self, url: str, log: Path, *arguments: str, **env: str):
        self.log = log
        log.write_text("")
        self.process = Process(self.MODULE, arguments, {**os.environ, "DATABASE_URL": url, **env}, log)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def text(self) -> str:
        return self.log.read_text()[-6000:]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Its exit code: 0 where it ended in order."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


Start = Callable[..., JobsProcess]
