"""What calls do when a provider fails, over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from core.asking import templates
from core.presets import FIELDS, PRESETS
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")
CONFIG = "/api/v1/internal/resilience/config"


def operation(body: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in body["operations"] if one["operation"] == name)
    return found


def test_what_is_in_force_is_told_with_its_sources(client: TestClient, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=2)
    found = client.get(CONFIG).json()
    assert [one["operation"] for one in found["operations"]] == [view.id for view in templates.list_all()]
    assert (found["locked"], found["config"]["retry_attempts"], found["gives_up_after_s"]) == (False, 2, 1.5)
    assert found["sources"] == {**dict.fromkeys(FIELDS, "default"), "retry_attempts": "environment"}


def test_a_preset_for_all_and_own_figures_for_one_operation(client: TestClient) -> None:
    assert client.put(CONFIG, json={"preset": "production"}).status_code == 200
    answer = client.put(CONFIG, json={"custom": {"retry_attempts": 1}, "operation": "qa"})
    assert answer.status_code == 200
    assert answer.json() == client.get(CONFIG).json()
    assert answer.json()["config"]["retry_attempts"] == 5
    qa = operation(answer.json(), "qa")
    assert (qa["config"]["retry_attempts"], qa["config"]["deadline_s"]) == (1, 900)
    assert (qa["sources"]["retry_attempts"], qa["sources"]["deadline_s"]) == ("operation", "all")
    taken_back = client.delete(CONFIG, params={"operation": "qa"}).json()
    assert operation(taken_back, "qa")["config"]["retry_attempts"] == 5
    assert client.delete(CONFIG).json()["config"]["retry_attempts"] == 3


def test_a_change_over_http_is_recorded_as_such_and_leaves_no_actor_behind(client: TestClient) -> None:
    client.put(CONFIG, json={"preset": "production"})
    client.delete(CONFIG)
    client.post("/api/v1/internal/resilience/circuit-breakers/openai/gpt-5-mini/open")
    assert rows("SELECT door, action FROM audit_entry ORDER BY id") == [
        {"door": "api", "action": "settings.change"},
        {"door": "api", "action": "settings.change"},
        {"door": "api", "action": "breaker.open"},
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"preset": "none"}, "preset"),
        ({"custom": {"retry_attempts": 99}}, "retry_attempts"),
        ({"custom": 3}, "custom"),
        ({"preset": "simple", "custom": {}}, "preset"),
        ({}, "preset"),
    ],
)
def test_what_is_not_valid_is_told_by_its_field(client: TestClient, body: Any, field: str) -> None:
    checked = client.post(f"{CONFIG}/validate", json=body)
    assert (checked.status_code, checked.json()["valid"], checked.json()["config"]) == (200, False, None)
    assert [wrong["field"] for wrong in checked.json()["errors"]] == [field]
    refused = client.put(CONFIG, json=body)
    assert (refused.status_code, refused.json()["error"]) == (422, "VALIDATION_ERROR")
    assert [wrong["field"] for wrong in refused.json()["detail"]] == [field]
    assert rows("SELECT 1 FROM setting") == []


def test_what_is_valid_comes_back_whole(client: TestClient) -> None:
    checked = client.post(f"{CONFIG}/validate", json={"custom": {"retry_attempts": 7, "recovery_timeout": 9}}).json()
    assert (checked["valid"], checked["errors"]) == (True, [])
    assert (checked["config"]["retry_attempts"], checked["config"]["recovery_timeout_s"]) == (7, 9)
    assert client.post(f"{CONFIG}/validate", json={"preset": "simple"}).json()["config"]["strategy"] == "balanced"


def test_an_operation_that_there_is_not(client: TestClient) -> None:
    assert client.put(CONFIG, json={"preset": "simple", "operation": "none"}).status_code == 422


def test_a_lock_refuses_changes(client: TestClient, setting: Any) -> None:
    setting(RESILIENCE_LOCKED="true")
    assert client.put(CONFIG, json={"preset": "production"}).status_code == 409
    assert client.delete(CONFIG).status_code == 409
    assert client.get(CONFIG).json()["locked"] is True


def test_presets_are_listed_shown_and_recommended(client: TestClient, setting: Any) -> None:
    listed = client.get(f"{CONFIG}/presets").json()
    assert [one["name"] for one in listed["items"]] == list(PRESETS)
    shown = client.get(f"{CONFIG}/presets/production").json()
    assert shown == listed["items"][2]
    assert (shown["config"]["circuit_breaker_threshold"], shown["gives_up_after_s"]) == (10, 31)
    missing = client.get(f"{CONFIG}/presets/none")
    assert (missing.status_code, missing.json()["error"]) == (404, "NOT_FOUND")
    setting(ENVIRONMENT="staging")
    recommended = client.get(f"{CONFIG}/recommend").json()
    assert (recommended["environment"], recommended["name"]) == ("staging", "production")
    assert recommended["reason"]
    assert client.get(f"{CONFIG}/recommend", params={"environment": "development"}).json()["name"] == "development"
