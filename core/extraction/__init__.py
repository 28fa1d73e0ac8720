"""From an uploaded file to its text, in a subprocess with limits of memory and time.

Parsers meet whatever the world uploads: they crash, loop and eat memory. So each runs in a process of its own, without
our environment (no keys, no database), and whatever happens to it becomes an error that says what to do.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core import tokens
from core.errors import ExtractionError
from core.extraction.types import EXTENSIONS, SUPPORTED, media_type_of

__all__ = ["EXTENSIONS", "SUPPORTED", "Extracted", "Limits", "extract", "media_type_of"]

ROOT = Path(__file__).resolve().parents[2]
LOOK_EVERY_S = 0.05
# Enough to tell a language by, and quick whatever the length.
SAMPLE = 20_000


@dataclass(frozen=True)
class Extracted:
    """`page_starts` are code point offsets of pages, slides or sheets; `paged` says whether they mean something."""

    text: str
    page_starts: tuple[int, ...]
    paged: bool
    language: str | None
    tokens: int


@dataclass(frozen=True)
class Limits:
    memory_bytes: int = 1_500_000_000
    seconds: float = 120.0
    text_characters: int = 20_000_000


def extract(
    path: Path,
    media_type: str,
    limits: Limits,
    on_stage: Callable[[str, int, int], None],
    stop: threading.Event | None = None,
) -> Extracted:
    """Read the file at `path`; its text comes back through a file beside it.

    `on_stage(stage, done, total)` is called as the child reports. Raises ExtractionError; with `stop` set, one that
    is worth a retry.
    """
    result = path.with_name("text.json")
    child = _start(path, media_type, result, limits)
    watch = _Watch(child, limits.seconds, stop)
    watch.start()
    assert child.stdout is not None
    try:
        with child.stdout:
            for line in child.stdout:
                on_stage(*json.loads(line))
        child.wait()
    finally:
        watch.end()
    watch.explain()
    if child.returncode:
        raise _death(child.returncode)
    told = json.loads(result.read_bytes())
    if "error" in told:
        raise ExtractionError(told["error"]["message"], code=told["error"]["code"])
    # Only parsers need the fence: these two read plain text, and would cost the child half a second to load.
    text = told["text"]
    on_stage("language", 0, 1)
    language = _language(text)
    on_stage("tokens", 0, 1)
    return Extracted(text, tuple(told["page_starts"]), told["paged"], language, tokens.count(text))


def _language(text: str) -> str | None:
    """ISO 639-1, from the beginning; None where there are too few letters to tell."""
    sample = text[:SAMPLE]
    if sum(c.isalpha() for c in sample) < 40:
        return None
    import py3langid

    return str(py3langid.classify(sample)[0])


def _start(path: Path, media_type: str, result: Path, limits: Limits) -> subprocess.Popen[str]:
    spec = json.dumps([str(path), media_type, str(result), limits.memory_bytes, limits.seconds, limits.text_characters])
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "core.extraction.child", spec],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,  # its end tells the child that we are gone
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


class _Watch(threading.Thread):
    """Kills the child when its time is up or the worker stops."""

    def __init__(self, child: subprocess.Popen[str], seconds: float, stop: threading.Event | None):
        super().__init__(name="extraction-watch", daemon=True)
        self._child, self._seconds, self._stopping = child, seconds, stop
        self._deadline = time.monotonic() + seconds
        self._over = threading.Event()
        self._error: ExtractionError | None = None

    def run(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            if self._stopping is not None and self._stopping.is_set():
                self._kill(ExtractionError("The worker stopped; the document goes on later.", retryable=True))
            elif time.monotonic() > self._deadline:
                self._kill(
                    ExtractionError(
                        f"Reading took longer than {self._seconds:g} s. Split the document, or raise EXTRACTION_SECONDS.",
                        code="TIMEOUT",
                    )
                )

    def _kill(self, error: ExtractionError) -> None:
        if self._error is None:
            self._error = error
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._over.set()

    def end(self) -> None:
        self._over.set()
        self.join()
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()

    def explain(self) -> None:
        if self._error is not None:
            raise self._error


def _death(code: int) -> ExtractionError:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return ExtractionError(
        f"The file could not be read: its reader {how}. It is probably damaged; open it, save it anew and upload that.",
        code="CORRUPT",
    )
