"""A key and an address that are changed in one process are what the next call of every other one is made with."""

from typing import Any

import psycopg
import pytest

from core.settings import credentials, store
from tests.batch_provider import BatchProvider
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import batch_rows, make_job, ready_documents, rows, states
from tests.processes.batch_jobs import batch_jobs, completed
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
MODEL = "gpt-5-mini"


@pytest.fixture(autouse=True)
def _short_waits(setting: Any) -> None:
    setting(
        SECRET_KEY="s" * 32,
        SCHEDULER_TICK_SECONDS=0.5,
        HEALTH_SAMPLE_SECONDS=60,
        LIVE_CONCURRENCY=4,
        SHUTDOWN_GRACE_SECONDS=2,
        RETRY_ATTEMPTS=10,
    )


def key(asked: Asked) -> str:
    return asked.headers["authorization"].removeprefix("Bearer ")


def drop_listener(url: str) -> None:
    """The connection on which the jobs process hears of changes."""
    sql = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE %s"""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        assert connection.execute(sql, (f"{store.APPLICATION}%",)).fetchall() == [(True,)]


def test_a_job_waits_for_its_key_and_goes_on_with_the_one_that_fits(
    start: Start, url: str, provider: LocalProvider
) -> None:
    fitting = {"sk-one"}
    arrived: list[str] = []

    def plan(asked: Asked) -> Reply:
        arrived.append(key(asked))
        # Tried again, and nothing that opens a breaker.
        return Reply(delay=0.05) if key(asked) in fitting else error(409, retry_after="0.1")

    provider.plan = plan
    credentials.change("openai", provider.openai_url, "sk-one")
    documents = ready_documents(24)
    first = make_job(documents, provider="openai", model=MODEL)
    credentials.remove_key("openai")
    credentials.change("openai", "")
    process = start()
    until(lambda: "not_set_up" in str(rows("SELECT waits_for FROM job")[0]["waits_for"]), process.text)
    assert arrived == []

    drop_listener(url)
    credentials.change("openai", provider.openai_url, "sk-one")
    until(lambda: completed([first]), process.text)
    assert states(first) == {"succeeded": 24}
    assert rows("SELECT waits_for, error FROM job") == [{"waits_for": None, "error": None}]

    # While it is at work, and with its connection cut again at that moment.
    second = make_job(documents, "summarize", provider="openai", model=MODEL)
    until(lambda: len(arrived) >= 30, process.text)
    fitting.clear()
    fitting.add("sk-two")
    drop_listener(url)
    credentials.change("openai", provider.openai_url, "sk-two")
    before = arrived.count("sk-one")
    until(lambda: completed([second]), process.text)
    assert states(second) == {"succeeded": 24}
    # In two seconds each of 4 slots may ask so often, however slow the machine.
    assert arrived.count("sk-one") - before <= 4 * (2 / 0.1 + 1)
    assert process.running


def test_the_batch_lane_goes_on_with_a_new_key(start: Start, batch_server: BatchProvider, setting: Any) -> None:
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="", RETRY_ATTEMPTS=0, SHUTDOWN_GRACE_SECONDS=2)
    credentials.change("openai", batch_server.openai_url, "sk-one")
    batch_server.keys = {"sk-one"}
    batch_server.polls_per_state = 1_000_000
    (job,) = batch_jobs("openai")
    process = start()
    until(lambda: [row["state"] for row in batch_rows(job)] == ["in_progress"], process.text)
    batch_server.keys = {"sk-two"}
    until(lambda: "key was refused" in str(batch_rows(job)[0]["error"]), process.text)
    batch_server.polls_per_state = 0
    credentials.change("openai", batch_server.openai_url, "sk-two")
    until(lambda: completed([job]), process.text)
    assert batch_server.creates == 1


def test_a_batch_waits_while_its_provider_is_called_elsewhere(
    start: Start, batch_server: BatchProvider, provider: LocalProvider, setting: Any
) -> None:
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="", SHUTDOWN_GRACE_SECONDS=2)
    credentials.change("openai", batch_server.openai_url, "sk-one")
    batch_server.polls_per_state = 1_000_000
    (job,) = batch_jobs("openai")
    process = start()
    until(lambda: [row["state"] for row in batch_rows(job)] == ["in_progress"], process.text)
    credentials.change("openai", provider.openai_url, "sk-other")
    until(lambda: "is now called at" in str(batch_rows(job)[0]["error"]), process.text)
    batch_server.polls_per_state = 0
    credentials.change("openai", batch_server.openai_url, "sk-one")
    until(lambda: completed([job]), process.text)
    assert batch_server.creates == 1
