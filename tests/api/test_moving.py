"""Moving what waits over HTTP: to another model or lane, its price before, and the rule that a job is given."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from core.requests import expansion
from tests.pipeline import ready_documents

pytestmark = pytest.mark.usefixtures("database")
MODEL, OTHER = "gpt-5-mini", "gpt-5-nano"


@pytest.fixture
def job(client: TestClient, openai: object) -> dict[str, Any]:
    return make(client)


def make(client: TestClient, **fields: Any) -> dict[str, Any]:
    body = {"name": "Notes", "template": "summarize", "documents": ready_documents(3), "provider": "openai"}
    answer = client.post("/api/v1/jobs/", json={**body, "model": MODEL, "lane": "live", **fields})
    assert answer.status_code == 201, answer.text
    expansion.expand_job(answer.json()["id"])
    return dict(answer.json())


def test_a_job_goes_on_with_another_model_after_its_price_was_told(client: TestClient, job: dict[str, Any]) -> None:
    address = f"/api/v1/jobs/{job['id']}/move"
    assert (job["fallback"], job["former"]) == (None, [])
    to = {"provider": "openai", "model": OTHER}
    price = client.post(f"{address}/estimate", json=to).json()
    here = client.post(f"{address}/estimate", json={"lane": "batch"}).json()
    assert (price["documents"], price["reused"], price["too_long"]) == (3, 0, 0)
    assert 0 < float(price["cost_usd"]["live"]) < float(here["cost_usd"]["live"])
    assert client.get(f"/api/v1/jobs/{job['id']}").json()["model"] == MODEL
    moved = client.post(address, json=to).json()
    assert (moved["model"], moved["former"]) == (OTHER, [{"provider": "openai", "model": MODEL}])
    assert moved["counts"]["pending"] == 3
    asked = client.get(f"/api/v1/jobs/{job['id']}/requests").json()["items"]
    assert {one["model"] for one in asked} <= {OTHER}
    again = client.post(address, json=to)
    assert (again.status_code, "already" in again.json()["message"]) == (422, True)


@pytest.mark.parametrize("body", [{}, {"lane": "batch", "provider": "openai"}, {"model": OTHER}])
def test_where_to_is_one_thing(client: TestClient, job: dict[str, Any], body: dict[str, str]) -> None:
    assert client.post(f"/api/v1/jobs/{job['id']}/move", json=body).status_code == 422


def test_a_rule_is_given_with_the_job(client: TestClient, openai: object) -> None:
    kept = make(client, fallback={"provider": "openai", "model": OTHER, "after_s": 60})["fallback"]
    assert kept == {"lane": None, "provider": "openai", "model": OTHER, "after_s": 60}
    refused = client.post(
        "/api/v1/jobs/",
        json={"name": "x", "template": "summarize", "documents": ["doc_0000"], "provider": "openai", "fallback": {}},
    )
    assert (refused.status_code, "either the batch lane or another model" in refused.text) == (422, True)
