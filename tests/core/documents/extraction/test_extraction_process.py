"""Children are fenced in: they get no secrets, no more memory and time than allowed, and never outlive their parent.

A named pipe nobody writes to stands for a file that is never read to its end.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from core.documents.extraction import starting
from core.documents.extraction.limits import ExtractionLimits
from core.errors import ExtractionError
from core.samples import files
from tests.core.documents.extraction.making import Reading, Stage, pdf, read, saved
from tests.core.documents.extraction.watching import descriptors, descriptors_once, parents, reader, readers, until_gone
from tests.pipeline import PATIENCE_S, until_now


@pytest.fixture
def new_parent() -> Iterator[None]:
    """The test's environment is that of the parent."""
    starting.end_shared()
    yield
    starting.end_shared()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless.txt"
    os.mkfifo(path)
    return path


def test_time_limit(endless: Path) -> None:
    started = time.monotonic()
    error = Reading(endless, ExtractionLimits(seconds=0.3)).ended()
    assert (error.code, error.retryable) == ("TIMEOUT", False)
    assert time.monotonic() - started >= 0.3
    assert readers() == []


def test_stop_ends_it_promptly_and_it_may_be_tried_again(endless: Path) -> None:
    stop = threading.Event()
    reading = Reading(endless, ExtractionLimits(), stop)
    child = reader()
    child.suspend()
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
    reading = Reading(endless)
    reader().send_signal(number)
    error = reading.ended()
    assert (error.code, error.retryable) == (code, False)
    assert said in error.message


def test_parent_and_children_die_with_the_process_that_started_them(endless: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from core.documents.extraction.limits import ExtractionLimits\n"
        "from core.documents.extraction.process import extract\n"
        "extract(Path(sys.argv[1]), 'text/plain', ExtractionLimits(), lambda *stage: None)"
    )
    jobs = subprocess.Popen([sys.executable, "-c", program, str(endless)])
    child = reader(psutil.Process(jobs.pid))
    (parent,) = parents(psutil.Process(jobs.pid))
    child.suspend()  # so hung that it would not notice by itself
    jobs.kill()
    jobs.wait()
    until_gone(parent, child)


@pytest.mark.usefixtures("new_parent")
def test_parent_and_child_know_no_secrets(endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    stop = threading.Event()
    reading = Reading(endless, stop=stop)
    environments = [one.environ() for one in (reader(), *parents())]
    stop.set()
    reading.ended()
    for known in environments:
        assert known.keys() - starting._SET_VARIABLES <= {"PYTHONHOME", "LD_LIBRARY_PATH"}
        assert not [name for name in known if "KEY" in name or "URL" in name]


def test_the_parent_has_one_thread_and_its_pipes_alone(endless: Path) -> None:
    with open(endless.parent / "ours", "w") as ours, socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(ours.fileno(), True)
        os.set_inheritable(listening.fileno(), True)
        for sample in files():
            read(sample.path)
        stop = threading.Event()
        reading = Reading(endless, stop=stop)
        child, (parent,) = reader(), parents()
        # Both have more for a moment: while a child's sandbox is set up, and until a child's end has been told.
        has = descriptors_once(parent.pid, 6)
        gave = descriptors_once(child.pid, 5)
        threads = parent.num_threads()
        stop.set()
        reading.ended()
    assert threads == 1
    ended = ["pipe", "pipe"]
    assert [has.pop(number) for number in (0, 1, 2)] == ["socket", "/dev/null", "/dev/null"]
    assert sorted(has.values()) == [*ended, "socket"]  # children that ended, and the line of this one
    assert [gave.pop(number) for number in (0, 1, 2)] == ["/dev/null", "pipe", "pipe"]
    text, pictures = gave.values()
    assert text == "pipe"
    assert pictures.endswith("(deleted)")


def test_when_the_parent_is_killed_what_it_read_is_read_again(endless: Path) -> None:
    before = read(saved(endless.parent, "a.txt", "Read before."))
    reading = Reading(endless)
    first, (parent,) = reader(), parents()
    parent.kill()
    until_gone(first)
    assert reader() != first
    endless.write_text("Two pumps failed.")
    reading.join(PATIENCE_S)
    assert reading.extracted is not None
    assert reading.extracted.text == "Two pumps failed."
    assert read(endless.parent / "a.txt") == before
    assert parent not in parents()


def test_a_file_that_ends_parents_fails_alone(endless: Path) -> None:
    reading = Reading(endless)
    for _ in range(2):
        child = reader()
        psutil.Process(child.ppid()).kill()
        until_gone(child)
    error = reading.ended()
    assert (error.code, error.retryable) == ("CORRUPT", False)
    assert read(saved(endless.parent, "a.txt", "The next.")).text == "The next."


def test_a_parent_that_hangs_is_killed_with_its_children(endless: Path) -> None:
    stop = threading.Event()
    reading = Reading(endless, stop=stop)
    child, (parent,) = reader(), parents()
    parent.suspend()
    stop.set()
    assert reading.ended().code == "INTERRUPTED"
    until_gone(parent, child)
    assert read(saved(endless.parent, "a.txt", "The next.")).text == "The next."


def test_many_at_once_and_one_that_dies_hurts_no_other(endless: Path) -> None:
    paths = [saved(endless.parent, f"{number}.txt", f"Number {number}. " * 2000) for number in range(40)]
    dying = Reading(endless)
    child = reader()
    with ThreadPoolExecutor(4) as threads:
        texts = threads.map(lambda path: read(path).text, paths)
        child.send_signal(signal.SIGSEGV)
        assert list(texts) == [path.read_text() for path in paths]
    assert dying.ended().code == "CORRUPT"
    assert len(parents()) == 1


def test_two_hundred_files_leave_no_descriptor_and_no_process_behind(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.txt", "Two pumps failed.")
    broken = saved(tmp_path, "a.pdf", "%PDF-1.4")
    read(path)
    (parent,) = parents()
    # The parent closes the line to a file's reader soon after it has said how the child ended.
    until_now(lambda: len(descriptors(parent.pid)) == 5)
    before = len(descriptors(os.getpid()))
    for _ in range(100):
        read(path)
        with pytest.raises(ExtractionError):
            read(broken)
    # Fewer: what a test before this one forgot was collected meanwhile.
    assert len(descriptors(os.getpid())) <= before
    until_now(lambda: len(descriptors(parent.pid)) == 5)
    assert readers() == []


@pytest.mark.parametrize(("name", "lines", "megabytes"), [("a.txt", 800_000, 120), ("a.html", 300_000, 250)])
def test_memory_limit(tmp_path: Path, name: str, lines: int, megabytes: int) -> None:
    path = saved(tmp_path, name, "<p>The northern plant <b>lost</b> its output.</p>\n" * lines)
    with pytest.raises(ExtractionError) as caught:
        read(path, limits=ExtractionLimits(memory_bytes=megabytes * 1_000_000))
    assert caught.value.code == "TOO_LARGE"
    assert "EXTRACTION_MEMORY_MB" in caught.value.message


@pytest.mark.usefixtures("new_parent")
def test_a_broken_installation_is_not_the_documents_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    saved(tmp_path, "pypdfium2.py", "raise ModuleNotFoundError('no pdfium here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ExtractionError, match="the log has the reason") as caught:
        read(saved(tmp_path, "a.pdf", pdf(["text"])))
    assert caught.value.code == "EXTRACTION_FAILED"
    assert "no pdfium here" in capfd.readouterr().out


@pytest.mark.usefixtures("new_parent")
def test_what_a_library_prints_does_not_get_into_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = "print('noise'); os.write(1, b'noise'); os.write(2, b'x' * 200_000)"
    saved(tmp_path, "charset_normalizer.py", f"import os; {noise}\ndef from_bytes(*a, **k):\n {noise}\n return []")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert read(saved(tmp_path, "a.txt", "Größe".encode("latin-1"))).text == "Größe"


def test_stages(tmp_path: Path) -> None:
    stages: list[Stage] = []
    read(saved(tmp_path, "a.pdf", pdf(["text"] * 3)), on_stage=lambda *stage: stages.append(stage))
    reading = [stage for stage in stages if stage[0] == "reading"]
    assert ("reading", 0, 3) in reading
    assert reading[-1] == ("reading", 3, 3)
    assert [stage[0] for stage in stages[len(reading) :]] == ["language", "tokens", "instructions"]


def test_an_error_in_on_stage_leaves_no_child_behind(endless: Path) -> None:
    def fails(stage: str, done: int, total: int) -> None:
        if (done, total) == (1, 1):
            raise RuntimeError("the database is gone")

    path = saved(endless.parent, "a.txt", "text")
    with pytest.raises(RuntimeError, match="the database is gone"):
        read(path, on_stage=fails)
    assert readers() == []


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
