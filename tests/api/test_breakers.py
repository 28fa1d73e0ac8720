"""Circuit breakers over HTTP: how they stand, and opening and closing them by hand."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from core.calls import breaker
from tests.local_provider import LocalProvider
from tests.pipeline import make_job, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
BREAKERS = "/api/v1/internal/resilience/circuit-breakers"


def listed(client: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(BREAKERS).json()["items"]
    return items


def test_a_breaker_is_opened_and_closed_by_hand(client: TestClient) -> None:
    assert listed(client) == []
    opened = client.post(f"{BREAKERS}/openai/gpt-5-mini/open")
    assert opened.status_code == 200
    told = opened.json()
    assert told["opened_at"]
    assert {key: told[key] for key in ("name", "provider", "model", "state", "failures", "retry_at")} == {
        "name": "openai/gpt-5-mini",
        "provider": "openai",
        "model": "gpt-5-mini",
        "state": "open",
        "failures": 0,
        "retry_at": None,
    }
    assert listed(client) == [told]
    assert client.post(f"{BREAKERS}/openai/gpt-5-mini/open").json() == told
    closed = client.post(f"{BREAKERS}/openai/gpt-5-mini/close").json()
    assert (closed["state"], closed["opened_at"]) == ("closed", None)
    assert listed(client) == [closed]


def test_a_models_name_may_hold_slashes(client: TestClient) -> None:
    assert client.post(f"{BREAKERS}/openai/meta/llama-4/open").json()["model"] == "meta/llama-4"


def test_an_unknown_name_is_not_found(client: TestClient) -> None:
    for name in ("nobody/gpt", "openai"):
        answer = client.post(f"{BREAKERS}/{name}/open")
        assert answer.status_code == 404
        assert "openai/gpt-5-mini" in answer.json()["message"]
    assert listed(client) == []


def test_resilience_is_healthy_while_every_breaker_is_closed(client: TestClient) -> None:
    assert client.get("/api/v1/internal/resilience/health").json()["healthy"]
    breaker.trip("openai", "gpt-5-mini", 5, 60)
    told = client.get("/api/v1/internal/resilience/health").json()
    assert (told["healthy"], told["open"]) == (False, ["openai/gpt-5-mini"])
    assert told["circuit_breakers"] == {"closed": 0, "open": 1, "half_open": 0}


def test_a_single_text_is_told_when_to_ask_again(client: TestClient, openai: LocalProvider) -> None:
    breaker.trip("openai", "gpt-5-mini", 5, 60)
    asked = {"operation": "summarize", "text": "Two pumps failed.", "provider": "openai", "model": "gpt-5-mini"}
    answer = client.post("/api/v1/text_processing/process", json=asked)
    assert answer.status_code == 503
    assert answer.json()["error"] == "BREAKER_OPEN"
    assert answer.json()["detail"]["retry_at"] == listed(client)[0]["retry_at"].replace("Z", "+00:00")


def test_what_waits_moves_to_the_other_lane(client: TestClient, openai: LocalProvider) -> None:
    job = make_job(ready_documents(2), provider="openai", model="gpt-5-mini")
    moved = client.post(f"/api/v1/jobs/{job}/move", json={"lane": "batch"})
    assert (moved.status_code, moved.json()["lane"]) == (200, "batch")
    assert client.post(f"/api/v1/jobs/{job}/move", json={}).status_code == 422
    assert rows("SELECT kind FROM job_event WHERE kind = 'moved'") == [{"kind": "moved"}]
