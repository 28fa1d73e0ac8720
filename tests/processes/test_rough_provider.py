"""Several processes and a provider in bad weather: every request ends, what is billed is booked, and nobody storms."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import App, data_dir, start_app
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes import rough_provider
from tests.processes.rough_provider import RoughProvider
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
__all__ = ["data_dir"]
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
DOCUMENTS = 80
TEXTS = 24
RETRIES = 3
CONFIG = (
    f'{{"retry_attempts": {RETRIES}, "circuit_breaker_threshold": 5, "recovery_timeout_s": 1,'
    ' "backoff_base_s": 0.1, "backoff_cap_s": 1}'
)


@pytest.fixture
def rough(setting: Any) -> Iterator[RoughProvider]:
    with rough_provider.running() as provider:
        setting(**environment(provider))
        yield provider


def environment(provider: RoughProvider) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": "test",
        "OPENAI_BASE_URL": provider.url("openai"),
        "ANTHROPIC_API_KEY": "test",
        "ANTHROPIC_BASE_URL": provider.url("anthropic"),
        # An error that a busy machine delivers later than this would be met by a client that has left, and who
        # then comes again looks as if it had not waited.
        "PROVIDER_TIMEOUT_SECONDS": "6",
        "RESILIENCE_CUSTOM_CONFIG": CONFIG,
        "SCHEDULER_TICK_SECONDS": "0.5",
        "HEALTH_SAMPLE_SECONDS": "60",
        "LIVE_CONCURRENCY": "8",
        "SHUTDOWN_GRACE_SECONDS": "2",
    }


def completed() -> bool:
    return {row["state"] for row in rows("SELECT state FROM job")} == {"completed"}


def bookings(provider: str, *statuses: str) -> Counter[str]:
    found = rows(
        """SELECT r.document_id FROM usage_record u JOIN request r ON r.id = u.request_id
           WHERE u.provider = :provider AND u.status = ANY(:statuses)""",
        provider=provider,
        statuses=list(statuses),
    )
    return Counter(row["document_id"] for row in found)


def test_every_request_of_a_job_ends_once_in_bad_weather(start: Start, rough: RoughProvider) -> None:
    documents = ready_documents(DOCUMENTS)
    jobs = {name: make_job(documents, provider=name, model=model) for name, model in MODELS.items()}
    processes = [start() for _ in range(3)]
    until(completed, lambda: f"{[states(job) for job in jobs.values()]} {[one.text() for one in processes]}")
    for provider, job in jobs.items():
        ended = states(job)
        assert set(ended) <= {"succeeded", "failed"}
        assert ended["succeeded"] >= DOCUMENTS * 0.95
        requests = rows("SELECT * FROM request WHERE job_id = :job", job=job)
        assert all(row["error_code"] and row["error_message"] for row in requests if row["state"] == "failed")
        # One answer for each that succeeded; whatever else was billed was booked as unheard.
        answered = Counter(row["document_id"] for row in requests if row["state"] == "succeeded")
        assert bookings(provider, "ok") == answered
        assert rough.billed(provider) <= bookings(provider, "ok", "unheard")
        # The preset bounds the calls of every claim.
        most = {row["document_id"]: row["attempts"] * (1 + RETRIES) for row in requests}
        assert rough.calls(provider) <= Counter(most)
    rough.assert_resilient()
    (counted,) = rows("SELECT sum(answered) AS answered, sum(failed) AS failed FROM call_minute")
    assert counted["answered"] == bookings("openai", "ok").total() + bookings("anthropic", "ok").total()
    # What breaks on the wire may do so when its client has long left.
    dealt = rough.weather.dealt
    assert counted["failed"] >= dealt.total() - dealt["cut"] - dealt["reset"]
    assert all(one.running for one in processes)


def test_every_single_text_is_answered_or_told_why_not_in_bad_weather(
    url: str, data_dir: Path, rough: RoughProvider
) -> None:
    app = start_app(data_dir, DATABASE_URL=url, EMBEDDED_JOBS="false", **environment(rough))
    asked = [(name, f"text_{n} was replaced. It works again.") for n in range(TEXTS) for name in MODELS]
    with ThreadPoolExecutor(12) as callers:
        told = list(callers.map(lambda one: key_points(app, *one), asked))
    app.stop()
    answered = Counter(provider for (provider, _), (status, _) in zip(asked, told, strict=True) if status == 200)
    for provider in MODELS:
        booked = bookings_of_texts(provider)
        # How many are answered depends on how long breakers are open, and that on how fast the machine is.
        assert booked["ok"] == answered[provider] > 0
        assert rough.billed(provider).total() <= booked["ok"] + booked["unheard"]
        assert max(rough.calls(provider).values()) <= 1 + RETRIES
    assert all(body["error"] and body["message"] for status, body in told if status != 200)
    rough.assert_resilient()


def key_points(app: App, provider: str, text: str) -> tuple[int, Any]:
    body = json.dumps({"operation": "key_points", "text": text, "options": {}, "provider": provider}).encode()
    path = f"{app.url}/api/v1/text_processing/process"
    request = urllib.request.Request(path, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def bookings_of_texts(provider: str) -> Counter[str]:
    found = rows("SELECT status FROM usage_record WHERE provider = :provider", provider=provider)
    return Counter(row["status"] for row in found)
