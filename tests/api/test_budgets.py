"""Budgets over HTTP: their figures, the jobs that wait for them, approval, and 402 for a single text."""

from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.local_provider import LocalProvider
from tests.pipeline import ready_documents

pytestmark = pytest.mark.usefixtures("database")
URL = "/api/v1/budgets"
WAITS: dict[str, Any] = {"scope": "all", "limit_usd": "0.0000001", "on_limit": "wait"}


def test_a_job_over_a_budget_waits_says_so_and_goes_on_once_it_is_approved(
    client: TestClient, openai: LocalProvider
) -> None:
    made = client.post(URL, json=WAITS)
    assert made.status_code == 201, made.text
    budget = made.json()["id"]
    ready_documents(1)
    body = {"template": "summarize", "collection": "default", "provider": "openai", "model": "gpt-5-mini"}
    estimate = client.post("/api/v1/jobs/estimate", json=body).json()
    assert estimate["budgets"] == [{"id": budget, "left_usd": "0.0000001", "fits": False}]
    job = client.post("/api/v1/jobs/", json=body).json()
    assert (job["state"], job["waits_for"]["kind"], job["collection"]) == ("paused", "budget", "default")
    missing = Decimal(estimate["cost_usd"]["live"]) - Decimal("0.0000001")
    assert job["budget"] == {"id": budget, "missing_usd": f"{missing.normalize():f}"}
    assert (job["reserved_usd"], job["held_usd"]) == (None, "0")

    still = client.post(f"/api/v1/jobs/{job['id']}/resume").json()
    assert (still["state"], still["waits_for"]["kind"]) == ("paused", "budget")
    shown = client.get(f"{URL}/{budget}").json()
    assert (shown["state"], shown["waiting"], shown["left_usd"]) == ("ok", [job["id"]], "0.0000001")

    approved = client.post(f"/api/v1/jobs/{job['id']}/approve", json={"up_to_usd": "1"}).json()
    assert (approved["state"], approved["waits_for"], approved["budget"]) == ("queued", None, None)
    assert approved["held_usd"] == approved["reserved_usd"] == estimate["cost_usd"]["live"]
    assert client.get(f"{URL}/{budget}").json()["state"] == "reached"
    refused = client.post(f"/api/v1/jobs/{job['id']}/approve", json={"up_to_usd": "0"})
    assert refused.status_code == 422


def test_a_single_text_that_no_budget_has_room_for_is_402(client: TestClient, openai: LocalProvider) -> None:
    client.post(URL, json=WAITS)
    body = {"operation": "summarize", "text": "A pump failed.", "provider": "openai", "model": "gpt-5-mini"}
    refused = client.post("/api/v1/text_processing/process", json=body)
    assert (refused.status_code, refused.json()["error"]) == (402, "BUDGET_EXCEEDED")
    assert not openai.asked


def test_budgets_are_changed_listed_and_deleted(client: TestClient) -> None:
    made = client.post(URL, json={"scope": "provider", "key": "openai", "limit_usd": "10"}).json()
    assert (made["warn_share"], made["on_limit"], made["state"]) == ("0.8", "warn", "ok")
    changed = client.put(f"{URL}/{made['id']}", json={**WAITS, "limit_usd": "5.5"}).json()
    assert (changed["scope"], changed["limit_usd"]) == ("all", "5.5")
    assert [one["id"] for one in client.get(URL).json()["items"]] == [made["id"]]
    assert client.post(URL, json=WAITS).status_code == 409
    for wrong in ({"limit_usd": "NaN"}, {"limit_usd": "-1"}, {"key": "x"}, {"warn_share": "2"}, {"scope": "nobody"}):
        assert client.post(URL, json={**WAITS, **wrong}).status_code == 422
    assert client.delete(f"{URL}/{made['id']}").status_code == 204
    assert client.get(f"{URL}/{made['id']}").status_code == 404
