"""Start, stop, kill and start again: the whole app and all its processes."""

import ctypes
import http.client
import json
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import local_provider
from tests.journeys.conftest import App, Start, command, forked, left_over, start_app, wait_until
from tests.local_provider import Reply, in_turn
from tests.pipeline import PATIENCE_S, TEXT

pytestmark = pytest.mark.kills
AT_A_PROXY = {"TRUSTED_USER_HEADER": "X-Email", "TRUSTED_PROXY_SECRET": "p" * 16}
PIDFD_GETFD = 438  # on x86-64, arm64 and nearly all others


def children_of(app: App) -> list[psutil.Process]:
    found = psutil.Process(app.process.pid).children()
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def child(app: App, word: str) -> psutil.Process:
    return next(process for process in children_of(app) if word in " ".join(process.cmdline()))


@pytest.mark.parametrize(("number", "begin"), [(signal.SIGTERM, command), (signal.SIGINT, forked)])
def test_a_signal_ends_everything_by_itself(number: int, begin: Start, data_dir: Path) -> None:
    """Nothing is waited for until its grace is over."""
    app = start_app(data_dir, begin, SHUTDOWN_GRACE_SECONDS=str(2 * PATIENCE_S))
    assert len(children_of(app)) == 2
    app.stop(number)
    assert left_over(data_dir) == []


def test_a_killed_child_comes_back_by_itself(app: App) -> None:
    for word in ("-m jobs", "postgres"):
        victim = child(app, word)
        victim.kill()

        def is_back(word: str = word, victim: psutil.Process = victim) -> bool:
            alive = [p for p in children_of(app) if word in " ".join(p.cmdline()) and p.pid != victim.pid]
            return bool(alive) and app.get("/health/db")[0] == 200

        wait_until(is_back, f"{word} did not come back:\n{app.log.read_text()}")


def test_what_was_there_is_there_again_however_it_ended(app: App, data_dir: Path) -> None:
    before = app.get("/api/v1/templates")[1]
    app.stop()

    stopped = start_app(data_dir)
    assert stopped.get("/api/v1/templates")[1] == before
    jobs = child(stopped, "-m jobs")
    stopped.process.kill()
    stopped.process.wait()
    wait_until(lambda: not jobs.is_running() or jobs.status() == psutil.STATUS_ZOMBIE, "jobs outlived web")

    without_web = start_app(data_dir)
    for process in [*psutil.Process(without_web.process.pid).children(recursive=True), without_web.process]:
        os.kill(process.pid, signal.SIGKILL)

    all_killed = start_app(data_dir, EMBEDDED_JOBS="false")
    assert all_killed.get("/health/db")[0] == 200
    assert all_killed.get("/api/v1/templates")[1] == before
    all_killed.stop()
    wait_until(lambda: left_over(data_dir) == [], "something was left behind")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lends the sockets of a child")
def test_no_answer_waits_for_an_acknowledgement_of_its_first_half(web_alone: App) -> None:
    """Else a client that keeps its connection waits 40 ms for each answer."""
    client = http.client.HTTPConnection("127.0.0.1", web_alone.port)
    client.request("GET", "/health")
    client.getresponse().read()
    sockets = sockets_of(web_alone)
    assert len(sockets) >= 2  # the one that listens, and the one that was accepted
    assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sockets)
    client.close()
    for one in sockets:
        one.close()


def sockets_of(app: App) -> list[socket.socket]:
    """Duplicates of the sockets at the app's port, by pidfd_getfd(2): a parent may have them of its child."""
    process, libc = os.pidfd_open(app.process.pid), ctypes.CDLL(None, use_errno=True)
    found = []
    for connection in psutil.Process(app.process.pid).net_connections("tcp"):
        if connection.laddr.port == app.port:
            descriptor = libc.syscall(PIDFD_GETFD, process, connection.fd, 0)
            assert descriptor >= 0, os.strerror(ctypes.get_errno())
            found.append(socket.socket(fileno=descriptor))
    os.close(process)
    return found


def ask(app: App) -> Callable[[], dict[str, Any]]:
    """Start to ask for a summary; the function that comes back waits for it."""
    body = {"operation": "summarize", "text": TEXT, "options": {}, "provider": "openai", "model": "gpt-5-mini"}
    request = urllib.request.Request(
        f"{app.url}/api/v1/text_processing/process", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    thread = ThreadPoolExecutor(1)

    def send() -> dict[str, Any]:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    return thread.submit(send).result


def test_a_text_whose_web_was_killed_is_booked_and_its_twin_is_asked(
    data_dir: Path, provider: local_provider.LocalProvider
) -> None:
    provider.plan = in_turn(Reply(delay=2 * PATIENCE_S), Reply())
    told = {"OPENAI_API_KEY": "test", "OPENAI_BASE_URL": provider.openai_url, "WORKER_LEASE_SECONDS": "5"}
    other = start_app(data_dir, **told)
    shared = f"postgresql://postgres@/cairn?host={data_dir / 'postgres'}&port=5432"
    victim = start_app(data_dir, DATABASE_URL=shared, EMBEDDED_JOBS="false", **told)
    lost = ask(victim)
    wait_until(lambda: provider.in_flight == 1, "it was not asked")
    twin = ask(other)
    victim.process.kill()
    with pytest.raises(ConnectionError):
        lost()
    assert twin()["reused"] is False
    records = json.loads(other.get("/api/v1/usage/records")[1])["items"]
    assert [(r["status"], r["priced"]) for r in records] == [("ok", True), ("unheard", True)]
    assert len(provider.asked) == 2
    other.stop()


def test_a_second_app_on_the_same_data_says_so(data_dir: Path) -> None:
    app = start_app(data_dir, EMBEDDED_JOBS="false")
    with pytest.raises(AssertionError, match="DATA_DIR"):
        start_app(data_dir)
    assert app.get("/health")[0] == 200
    assert app.log.read_text().count("nobody is asked who they are: only this machine reaches Cairn") == 1
    app.stop()


def test_wrong_settings_stop_the_start_with_all_reasons(data_dir: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 2") as caught:
        start_app(
            data_dir, DATABASE_POOL_SIZE="-3", ENVIRONMENT="production", API_KEY="s", STREAMLIT_SERVER_ADDRESS="0.0.0.0"
        )
    for told in ("did not start", "DATABASE_POOL_SIZE", "SECRET_KEY", "API_KEY", "STREAMLIT_SERVER_ADDRESS"):
        assert told in str(caught.value)


def test_an_open_address_without_leave_is_refused(data_dir: Path) -> None:
    with pytest.raises(AssertionError, match="ALLOW_OPEN_ACCESS"):
        start_app(data_dir, STREAMLIT_SERVER_ADDRESS="0.0.0.0")


def test_production_without_an_admin_ends_once_the_database_has_none(data_dir: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 2") as caught:
        start_app(data_dir, ENVIRONMENT="production", SECRET_KEY="w" * 40, **AT_A_PROXY)
    assert "ADMIN_EMAILS: is empty, and there is no admin" in str(caught.value)
    assert left_over(data_dir) == []
