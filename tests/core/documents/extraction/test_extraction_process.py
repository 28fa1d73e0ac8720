"""The child is fenced in: it gets no secrets, no more memory and time than allowed, and never outlives its parent.

A named pipe nobody writes to stands for a file that is never read to its end.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.documents.extraction import ExtractionLimits, extract
from core.errors import ExtractionError
from tests.core.documents.extraction.making import Stage, pdf, read, saved
from tests.pipeline import PATIENCE_S


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless.txt"
    os.mkfifo(path)
    return path


class Reading(threading.Thread):
    """An extraction that goes on until something ends it."""

    def __init__(self, path: Path, limits: ExtractionLimits, stop: threading.Event | None = None):
        super().__init__()
        self._path, self._limits, self._stop_event = path, limits, stop
        self.error: ExtractionError | None = None
        self.start()

    def run(self) -> None:
        try:
            extract(self._path, "text/plain", self._limits, lambda *stage: None, stop=self._stop_event)
        except ExtractionError as error:
            self.error = error

    def ended(self) -> ExtractionError:
        self.join(PATIENCE_S)
        assert self.error is not None
        return self.error


def child_of(process: psutil.Process, path: Path) -> psutil.Process:
    """The child that reads `path`, once it waits for its end."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for child in process.children():
            if str(path) in child.cmdline() and child.num_threads() > 1:
                return child
        time.sleep(0.005)
    raise AssertionError("no child was started")


def test_time_limit(endless: Path) -> None:
    before = psutil.Process().children()
    started = time.monotonic()
    error = Reading(endless, ExtractionLimits(seconds=0.3)).ended()
    assert (error.code, error.retryable) == ("TIMEOUT", False)
    assert time.monotonic() - started >= 0.3
    assert [child for child in psutil.Process().children() if child not in before] == []


def test_stop_ends_it_promptly_and_it_may_be_tried_again(endless: Path) -> None:
    stop = threading.Event()
    reading = Reading(endless, ExtractionLimits(), stop)
    child = child_of(psutil.Process(), endless)
    child.suspend()  # so hung that it does not even see its parent's end
    stop.set()
    error = reading.ended()
    assert (error.code, error.retryable) == ("INTERRUPTED", True)
    assert not child.is_running()


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGSEGV, "CORRUPT", "SIGSEGV"),
        (signal.SIGKILL, "CORRUPT", "SIGKILL"),
        (signal.SIGABRT, "TOO_LARGE", "memory"),
        (signal.SIGXCPU, "TIMEOUT", "longer than"),
    ],
)
def test_a_child_that_dies(endless: Path, number: int, code: str, said: str) -> None:
    reading = Reading(endless, ExtractionLimits())
    child_of(psutil.Process(), endless).send_signal(number)
    error = reading.ended()
    assert (error.code, error.retryable) == (code, False)
    assert said in error.message


def test_the_child_dies_with_its_parent(endless: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from core.documents.extraction import ExtractionLimits, extract\n"
        "extract(Path(sys.argv[1]), 'text/plain', ExtractionLimits(), lambda *stage: None)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(endless)])
    child = child_of(psutil.Process(parent.pid), endless)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + PATIENCE_S
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_child_knows_no_secrets(endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@h/d")
    stop = threading.Event()
    reading = Reading(endless, ExtractionLimits(), stop)
    known = child_of(psutil.Process(), endless).environ()
    stop.set()
    reading.ended()
    assert "secret" not in str(known)
    assert known["PYTHONUTF8"] == "1"


@pytest.mark.parametrize(("name", "lines", "megabytes"), [("a.txt", 800_000, 150), ("a.html", 300_000, 250)])
def test_memory_limit(tmp_path: Path, name: str, lines: int, megabytes: int) -> None:
    path = saved(tmp_path, name, "<p>The northern plant <b>lost</b> its output.</p>\n" * lines)
    with pytest.raises(ExtractionError) as caught:
        read(path, limits=ExtractionLimits(memory_bytes=megabytes * 1_000_000))
    assert caught.value.code == "TOO_LARGE"
    assert "EXTRACTION_MEMORY_MB" in caught.value.message


def test_a_broken_installation_is_not_the_documents_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, "pypdfium2.py", "raise ModuleNotFoundError('no pdfium here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ExtractionError, match=r"no pdfium here.*Repair the installation") as caught:
        read(saved(tmp_path, "a.pdf", pdf(["text"])))
    assert caught.value.code == "EXTRACTION_FAILED"


def test_what_a_library_prints_does_not_get_into_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = "import os; print('noise'); os.write(1, b'noise'); os.write(2, b'x' * 200_000)"
    saved(tmp_path, "charset_normalizer.py", f"{noise}\ndef from_bytes(*a, **k): return []")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert read(saved(tmp_path, "a.txt", "Größe".encode("latin-1"))).text == "Größe"


def test_stages(tmp_path: Path) -> None:
    stages: list[Stage] = []
    read(saved(tmp_path, "a.pdf", pdf(["text"] * 3)), on_stage=lambda *stage: stages.append(stage))
    reading = [stage for stage in stages if stage[0] == "reading"]
    assert ("reading", 0, 3) in reading
    assert reading[-1] == ("reading", 3, 3)
    assert [stage[0] for stage in stages[len(reading) :]] == ["language", "tokens"]


def test_an_error_in_on_stage_leaves_no_child_behind(endless: Path) -> None:
    before = psutil.Process().children()

    def fails(stage: str, done: int, total: int) -> None:
        if (done, total) == (1, 1):
            raise RuntimeError("the database is gone")

    path = saved(endless.parent, "a.txt", "text")
    with pytest.raises(RuntimeError, match="the database is gone"):
        read(path, on_stage=fails)
    assert [child for child in psutil.Process().children() if child not in before] == []


def test_markup_fetches_nothing(tmp_path: Path) -> None:
    """Every kind of reference goes to a server of ours, which must not be asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        doctype = f'<!DOCTYPE html SYSTEM "{url}" [<!ENTITY e SYSTEM "{url}">]>'
        page = f'{doctype}<html><head><link rel=stylesheet href="{url}"><script src="{url}"></script></head>'
        page += f'<body><img src="{url}"><iframe src="{url}"></iframe><p>Text &e;</p></body></html>'
        assert "Text" in read(saved(tmp_path, "a.html", page)).text
        mail = f"Subject: a\nContent-Type: text/html\n\n{page}"
        assert "Text" in read(saved(tmp_path, "a.eml", mail)).text
        with pytest.raises(BlockingIOError):
            server.accept()
