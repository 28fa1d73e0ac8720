"""The whole app as a newcomer starts it, and a real Chromium in front of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests import databases
from tests.pipeline import PATIENCE_S
from tests.processes.running import Process

ROOT = Path(__file__).resolve().parents[2]
Started = subprocess.Popen[bytes] | Process
Start = Callable[[list[str], dict[str, str], Path], Started]
STARTED: list[Started] = []
AS_INSTALLED = {"PYTHONPATH": str(ROOT / "tests" / "as_installed")}
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# The last two lines, and no windows, spare a third of a page's CPU: none lives long enough for optimized code.
FLAGS = [
    *"--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split(),
    *"--disable-component-update --disable-sync --disable-dev-shm-usage".split(),
    *"--in-process-gpu --disable-software-rasterizer --disable-site-isolation-trials".split(),
    "--js-flags=--no-opt --no-maglev",
]


@dataclass
class App:
    """A running `streamlit run app.py` with a data directory of its own."""

    process: Started
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)


def command(arguments: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """As a user starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", *arguments],
        cwd=ROOT,
        env=env | AS_INSTALLED,
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    )


def forked(arguments: list[str], env: dict[str, str], log: Path) -> Process:
    """What it imports, most of the CPU of a start, is there before."""
    return Process("streamlit", arguments, env, log)


def start_app(data_dir: Path, begin: Start = forked, /, **environment: str) -> App:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = data_dir.parent / f"{data_dir.name}-{port}.log"
    log.touch()
    process = begin(["run", "app.py", "--server.port", str(port)], env_of(data_dir, environment), log)
    STARTED.append(process)
    app = App(process, port, log)
    wait_until(lambda: answers(app), f"the app did not start:\n{log}")
    return app


def env_of(data_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "USER")}
    return {**clean, "DATA_DIR": str(data_dir), "SCHEDULER_TICK_SECONDS": "0.5", **environment}


def answers(app: App) -> bool:
    if app.process.poll() is not None:
        raise AssertionError(f"the app ended with {app.process.poll()}:\n{app.log.read_text()}")
    try:
        return app.get("/health")[0] == 200
    except OSError:
        return False


def wait_until(done: "object", otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def left_over(data_dir: Path) -> list[str]:
    """Processes that still know of this data directory."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        command = " ".join(process.info["cmdline"] or [])
        data = (process.info["environ"] or {}).get("DATA_DIR", "")
        if str(data_dir) in command or data == str(data_dir):
            found.append(command)
    return found


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not under pytest's own directory: each start of pytest closes that to other accounts, such as PostgreSQL's."""
    scratch = Path(tempfile.mkdtemp(prefix="cairn-"))
    directory = scratch / "data"
    yield directory
    for app in STARTED:
        app.kill()
        app.wait(PATIENCE_S)
    STARTED.clear()
    for process in psutil.process_iter(["cmdline", "environ"]):
        named = " ".join(process.info["cmdline"] or []) + (process.info["environ"] or {}).get("DATA_DIR", "")
        if str(directory) in named:
            process.kill()
    shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def running_app(data_dir: Path, **environment: str) -> Iterator[App]:
    running = start_app(data_dir, **environment)
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def app(data_dir: Path) -> Iterator[App]:
    """As a newcomer starts it: with a PostgreSQL of its own and nothing in it."""
    with running_app(data_dir) as running:
        yield running


@contextmanager
def app_on(url: str, data_dir: Path, **environment: str) -> Iterator[App]:
    """On the run's server, and with a jobs process beside it: one that web starts would import all it needs by itself,
    which takes more CPU than all the rest of a start."""
    told = {"DATABASE_URL": url, "EMBEDDED_JOBS": "false", **environment}
    with running_app(data_dir, **told) as app:
        jobs = Process("jobs", [], env_of(data_dir, told), app.log)
        STARTED.append(jobs)
        yield app
        jobs.terminate()
        jobs.wait(PATIENCE_S)


@pytest.fixture
def app_on_a_server(data_dir: Path, postgres_url: str) -> Iterator[App]:
    """For what is not about how the app comes up."""
    with databases.copy(postgres_url, "app") as url, app_on(url, data_dir) as running:
        yield running


@pytest.fixture
def web_alone(data_dir: Path, postgres_url: str) -> Iterator[App]:
    """On the run's server, and without a jobs process."""
    with (
        databases.copy(postgres_url, "web") as url,
        running_app(data_dir, DATABASE_URL=url, EMBEDDED_JOBS="false") as running,
    ):
        yield running


def upload(app: App, texts: Mapping[str, str]) -> None:
    """Documents by name, until all are read."""
    files = [("files", (name, text.encode(), "text/plain")) for name, text in texts.items()]
    assert httpx.post(f"{app.url}/api/v1/documents", files=files, timeout=PATIENCE_S).is_success

    def all_ready() -> bool:
        return len(json.loads(app.get("/api/v1/documents?state=ready&limit=500")[1])["items"]) == len(texts)

    wait_until(all_ready, "the documents were not read")


# One for all tests of a module; longer it must not live, as others use event loops of their own in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs Debian's chromium-headless-shell for the journeys")
        pytest.skip("no chromium on this machine: the browser journeys are skipped")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"


def visit(page: Any, address: str) -> None:
    """A page of ours, once it stands: while it is still being drawn, a button may be another between press and release,
    and the click is nobody's."""
    page.goto(address)
    page.get_by_role("heading").first.wait_for()
    page.locator(AT_REST).wait_for()


def turn_to(page: Any, name: str) -> None:
    """By the menu, as most people go: most of a browser's CPU is for loading Streamlit anew."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
    page.locator(AT_REST).wait_for()


@pytest.fixture
def browser_page(browser: Any) -> Iterator[Any]:
    """A page that shares nothing with those of other tests: no cookies, no storage, no cache."""
    # Drawn in software, the animations of a page that is busy cost as much CPU as what it is busy with.
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    yield page
    context.close()
