"""One id from an API call through a real jobs process to the provider's request id; and nothing secret beside it."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import api
from core.calls import clients
from tests.batch_provider import BatchProvider
from tests.local_provider import Asked, LocalProvider, Reply
from tests.pipeline import TEXT, add_document, rows, until_now
from tests.processes.running import JobsProcess

pytestmark = [pytest.mark.kills, pytest.mark.usefixtures("database")]
KEY = "sk-do-not-tell-anybody"
CONFIDENTIAL = "Mandelbrot"
Lines = list[dict[str, Any]]


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(api, base_url="http://localhost", raise_server_exceptions=False) as running:
        yield running
    clients.forget()


@pytest.fixture
def log(database: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """What a jobs process in production writes, down to its least important line."""
    env = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "LOG_LEVEL": "DEBUG",
        "OPENAI_API_KEY": KEY,
        "RETRY_ATTEMPTS": "1",
        "SCHEDULER_TICK_SECONDS": "0.5",
        "SHUTDOWN_GRACE_SECONDS": "1",
    }
    process = JobsProcess(database, tmp_path / "jobs.log", **env)
    yield process.log.read_text
    process.kill()


def lines(text: str, event: str) -> Lines:
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    return [line for line in found if line["event"] == event]


def completed(job_id: str) -> Callable[[], bool]:
    return lambda: rows("SELECT state FROM job WHERE id = :job", job=job_id) == [{"state": "completed"}]


def test_an_api_call_is_followed_to_the_providers_request_id(
    client: TestClient, openai: LocalProvider, log: Callable[[], str]
) -> None:
    def plan(asked: Asked) -> Reply:
        number = asked.document.split()[1]
        if number == "2" and asked.nth == 1:
            return Reply(status=503, body=b"{}", headers={"x-request-id": "req_refused", "retry-after-ms": "1"})
        return Reply(headers={"x-request-id": f"req_{number}"})

    openai.plan = plan
    files = [("files", (f"{n}.txt", f"Number {n} of {CONFIDENTIAL}. {TEXT}".encode())) for n in range(4)]
    uploaded = client.post("/documents", files=files, headers={"X-Request-ID": "upload-7"})
    assert uploaded.status_code == 202
    until_now(lambda: len(rows("SELECT 1 FROM document WHERE state = 'ready'")) == 4)
    spec = {"name": "n", "template": "summarize", "collection": "default", "provider": "openai", "lane": "live"}
    made = client.post("/jobs/", json=spec, headers={"X-Request-ID": "click-42"})
    assert (made.status_code, made.headers["X-Request-ID"]) == (201, "click-42")
    job_id = made.json()["id"]
    until_now(completed(job_id))
    told = log()
    read = {(one["correlation_id"], one["document"]) for one in lines(told, "document read")}
    assert read == {("upload-7", one["id"]) for one in uploaded.json()["items"]}
    assert client.get(f"/jobs/{job_id}").json()["correlation_id"] == "click-42"
    assert {one["correlation_id"] for one in client.get("/documents").json()["items"]} >= {"upload-7"}
    answered = lines(told, "call answered")
    assert {(line["correlation_id"], line["job"]) for line in answered} == {("click-42", job_id)}
    booked = rows("SELECT request_id, provider_request_id FROM usage_record WHERE job_id = :job", job=job_id)
    assert {(line["request"], line["provider_request_id"]) for line in answered} == {
        (row["request_id"], row["provider_request_id"]) for row in booked
    }
    assert {row["provider_request_id"] for row in booked} == {f"req_{n}" for n in range(4)}
    (refused,) = lines(told, "the provider answered with an error")
    (again,) = [line for line in answered if line["provider_request_id"] == "req_2"]
    assert (refused["correlation_id"], refused["status"], refused["provider_request_id"]) == (
        "click-42",
        503,
        "req_refused",
    )
    assert (refused["job"], refused["request"]) == (job_id, again["request"])
    for secret in (KEY, CONFIDENTIAL, "northern plant", "You analyse one document"):
        assert secret not in told


def test_a_batch_is_followed_to_its_provider(
    client: TestClient, batch_server: BatchProvider, log: Callable[[], str]
) -> None:
    spec = {
        "name": "n",
        "template": "summarize",
        "documents": [add_document(f"{CONFIDENTIAL} {TEXT}")],
        "provider": "openai",
        "lane": "batch",
    }
    job_id = client.post("/jobs/", json=spec, headers={"X-Request-ID": "click-43"}).json()["id"]
    until_now(completed(job_id))
    (batch,) = rows("SELECT id, provider_batch_id FROM provider_batch")
    (line,) = lines(log(), "batch handed over")
    assert (line["correlation_id"], line["job"]) == ("click-43", job_id)
    assert (line["batch"], line["provider_batch_id"]) == (batch["id"], batch["provider_batch_id"])
    for secret in (KEY, CONFIDENTIAL, "You analyse one document"):
        assert secret not in log()
