"""What those who operate Cairn see and do about reuse, over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.local_provider import LocalProvider
from tests.pipeline import TEXT, rows

pytestmark = pytest.mark.usefixtures("database")
PROCESS = "/api/v1/text_processing/process"
STATUS, INVALIDATE = "/api/v1/internal/cache/status", "/api/v1/internal/cache/invalidate"


def asked(client: TestClient, operation: str = "summarize") -> dict[str, Any]:
    body = {"operation": operation, "text": TEXT, "provider": "openai", "model": "gpt-5-mini"}
    found: dict[str, Any] = client.post(PROCESS, json=body).json()
    return found


def test_status_tells_of_hits_and_of_what_they_saved(client: TestClient, openai: LocalProvider) -> None:
    before = client.get(STATUS).json()
    assert (before["status"], before["hits"], before["hit_rate"], before["saved_usd"]) == ("healthy", 0, None, "0")
    cost = asked(client)["cost_usd"]
    assert asked(client)["reused"] is True
    found = client.get(STATUS).json()
    assert (found["answers"], found["hits"], found["misses"], found["hit_rate"]) == (1, 1, 1, 0.5)
    assert (found["saved_usd"], found["saved_unpriced"], found["period_days"]) == (cost, 0, 30)
    assert found["bytes"] > 0
    assert found["memory"]["hits"] == before["memory"]["hits"] + 1
    assert 0 < found["memory"]["entries"] <= found["memory"]["most_entries"]


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        ({"template": "summarize"}, 1),
        ({"template": "sentiment", "model": "gpt-4o"}, 0),
        ({"model": "gpt-5-mini"}, 2),
        ({"older_than_days": 0}, 2),
        ({"older_than_days": 0.5}, 0),
        ({"everything": True}, 2),
    ],
)
def test_what_is_invalidated_is_asked_again(
    client: TestClient, openai: LocalProvider, given: dict[str, Any], gone: int
) -> None:
    asked(client)
    asked(client, "sentiment")
    answer = client.post(INVALIDATE, json=given)
    assert (answer.status_code, answer.json()["invalidated"], answer.json()["answers"]) == (200, gone, 2 - gone)
    assert client.post(INVALIDATE, json=given).json()["invalidated"] == 0
    assert asked(client)["reused"] is (gone == 0)
    (_, entry) = rows("SELECT action, subject, after FROM audit_entry ORDER BY id DESC")
    assert (entry["action"], entry["subject"], entry["after"]["answers"]) == ("cache.invalidate", "reuse", gone)


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({}, 422, "Say which answers"),
        ({"templates": "summarize"}, 422, "templates"),
        ({"older_than_days": -1}, 422, "older_than_days"),
        ({"collection": "nothing"}, 404, "no collection 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_refused(client: TestClient, given: dict[str, Any], status: int, says: str) -> None:
    answer = client.post(INVALIDATE, json=given)
    assert answer.status_code == status
    assert says in answer.json()["message"]
    assert rows("SELECT 1 FROM audit_entry") == []
