"""Real processes in which everything goes wrong: what a document says, prompts and keys stay out of their logs."""

import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from core.documents import upload
from tests import databases
from tests.journeys.conftest import App, data_dir, start_app
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import PATIENCE_S, add_document, database_away, make_job, rows
from tests.processes.running import JobsProcess, Process, Start, until

pytestmark = pytest.mark.kills
__all__ = ["data_dir"]

TEXT, KEY, PASSWORD = "Mandelbrot-7431", "sk-Sierpinski-7431", "Koch-7431"
SECRETS = (TEXT, KEY, PASSWORD)
FAULTS = 8


def faulty(asked: Asked) -> Reply:
    """A provider that repeats in its errors what it was told, each document another fault."""
    told = f"{json.dumps(asked.body)} {asked.headers}"
    number = int(asked.document.split()[0])
    return [
        error(400, "invalid_request_error", told),
        error(401, "invalid_api_key", f"Incorrect API key provided: {KEY}. {told}"),
        error(422, "unprocessable", told),
        error(500, "server_error", told),
        Reply(body=f"<html>{told}</html>".encode()),
        Reply(content=f"no JSON: {told}"),
        Reply(refusal=f"I will not say {told}"),
        Reply(wire="cut"),
        Reply(),
    ][number]


def refuse(url: str, table: str, column: str) -> None:
    """From now on PostgreSQL refuses the text, and says the whole row in its error."""
    with psycopg.connect(databases.owners(url), autocommit=True) as connection:
        connection.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT unwanted CHECK ({column}::text NOT LIKE '%{TEXT}%') NOT VALID"
        )


def assert_silent(said: str) -> None:
    for secret in SECRETS:
        assert secret not in said, said[max(0, said.index(secret) - 3000) :][:4000]


def ended(count: int) -> bool:
    return len(rows("SELECT 1 FROM request WHERE state = 'failed'")) == count


def extract_in_vain(process: JobsProcess) -> None:
    broken = {"a.pdf": b"%PDF-1.4", "b.docx": b"PK\x03\x04b", "c.xlsx": b"PK\x03\x04c", "d.exe": b"\x7fELF"}
    for name, start in broken.items():
        upload.add(name, io.BytesIO(start + TEXT.encode()))
    failed = "SELECT 1 FROM document WHERE state = 'failed'"
    until(lambda: len(rows(failed)) == len(broken), process.text)


# The environment decides how lines look, and the table which part of the process fails: each is met once.
@pytest.mark.parametrize(
    ("table", "column", "environment"), [("response", "text", "production"), ("insight", "statement", "development")]
)
def test_a_worker_says_nothing_of_what_it_works_on(
    table: str, column: str, environment: str, start: Start, url: str, openai: LocalProvider, setting: Any
) -> None:
    openai.plan = faulty
    setting(OPENAI_API_KEY=KEY, SCHEDULER_TICK_SECONDS=0.5, SHUTDOWN_GRACE_SECONDS=1)
    process = start(
        LOG_LEVEL="DEBUG",
        ENVIRONMENT=environment,
        SECRET_KEY=KEY * 3,
        DATABASE_URL=make_url(url).set(password=PASSWORD).render_as_string(hide_password=False),
    )
    make_job([add_document(f"{n} {TEXT} text.", f"{n}.txt") for n in range(FAULTS)], provider="openai")
    extract_in_vain(process)
    until(lambda: ended(FAULTS), process.text)
    with database_away(url):
        until(lambda: "heartbeat missed" in process.text(), process.text)
    refuse(url, table, column)
    make_job([add_document(f"{FAULTS} {TEXT} text.", "good.txt")], provider="openai")
    assert process.process.wait(PATIENCE_S) == 1, process.text()
    said = process.log.read_text()
    assert "CheckViolation unwanted" in said
    assert_silent(said)


def ask(app: App, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> int:
    request = urllib.request.Request(f"{app.url}{path}", body, {"Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.read()
        return refused.code


CONFIG = "/api/v1/internal/resilience/config"


def open_a_breaker(app: App, fail: Callable[[], int]) -> None:
    """By settings that let it open at once, and after some that are refused."""
    assert ask(app, "PUT", CONFIG, json.dumps({"custom": {TEXT: KEY}}).encode()) == 422
    assert ask(app, "PUT", CONFIG, json.dumps({"preset": TEXT}).encode()) == 422
    custom = {"circuit_breaker_threshold": 1, "recovery_timeout_s": 0.2}
    assert ask(app, "PUT", CONFIG, json.dumps({"custom": custom}).encode()) == 200
    until(lambda: fail() == 503, app.log.read_text)
    assert "breaker opened" in app.log.read_text()


def test_a_test_of_a_connection_says_nothing_of_the_key(provider: LocalProvider, tmp_path: Path) -> None:
    told = f"Incorrect API key provided: {KEY}."
    provider.plan = lambda _asked: error(401, "invalid_api_key", told)
    env = {**os.environ, "LOG_LEVEL": "DEBUG", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.openai_url}
    log = tmp_path / "connecting.log"
    log.touch()
    assert Process("tests.processes.connecting", [], env, log).wait(PATIENCE_S) == 0
    said = log.read_text()
    assert "the provider answered with an error" in said
    assert "refused" in said
    assert_silent(said)


def test_web_and_its_database_say_nothing_of_what_they_are_sent(data_dir: Path, provider: LocalProvider) -> None:
    provider.plan = faulty
    app = start_app(
        data_dir,
        LOG_LEVEL="DEBUG",
        RETRY_ATTEMPTS="0",
        OPENAI_API_KEY=KEY,
        OPENAI_BASE_URL=provider.openai_url,
    )

    def summary_of(text: str) -> int:
        body = {"operation": "summarize", "text": text, "options": {}, "provider": "openai"}
        return ask(app, "POST", "/api/v1/text_processing/process", json.dumps(body).encode())

    for n in range(FAULTS):
        assert summary_of(f"{n} {TEXT} text.") >= 400
    assert ask(app, "GET", f"/api/v1/insights?q={TEXT}") == 200
    assert ask(app, "GET", f"/api/v1/insights?limit={TEXT}") == 422
    assert ask(app, "GET", f"/api/v1/documents/{TEXT}") == 404
    assert ask(app, "POST", "/api/v1/jobs/", f'{{"{TEXT}'.encode()) == 422
    assert ask(app, "POST", "/api/v1/documents", TEXT.encode(), "multipart/form-data; boundary=x") == 400
    open_a_breaker(app, lambda: summary_of(f"3 {TEXT} text."))
    refuse(f"postgresql://postgres@/cairn?host={data_dir / 'postgres'}&port=5432", "response", "text")
    until(lambda: summary_of(f"{FAULTS} {TEXT} text.") == 500, app.log.read_text)
    app.stop()
    said = app.log.read_text()
    assert "CheckViolation unwanted" in said
    assert_silent(said)
    assert_silent((data_dir / "postgres.log").read_text())
