"""What is too long, too large or of another list is refused with the reason, and nothing of it is stored."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.pipeline import add_document, rows

pytestmark = pytest.mark.usefixtures("database")
SPEC = {"name": "n", "template": "key_points", "provider": "offline", "collection": "default"}
FIELD = {"name": "a", "type": "string", "description": ""}
TEMPLATE = {"name": "n", "prompt": "What?", "fields": [FIELD], "insights": False}


@pytest.mark.parametrize(
    "changed",
    [
        {"canary": 2147483648},
        {"canary": -1},
        {"deadline": "0001-01-01T00:00:00+14:00"},
        {"deadline": "9999-12-31T23:59:59-12:00"},
        {"name": "n" * 201},
        {"description": "d" * 2001},
        {"model": "m" * 1000},
        {"model": "a\nb"},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_a_job_out_of_bounds_is_refused(client: TestClient, changed: dict[str, Any]) -> None:
    add_document()
    answer = client.post("/api/v1/jobs/", json=SPEC | changed)
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR"), answer.text
    assert rows("SELECT 1 FROM job") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "n" * 101},
        {"fields": [FIELD | {"description": "d" * 2001}]},
        {"fields": [FIELD | {"type": "choice", "choices": ["c" * 201, "d"]}]},
        {"fields": [FIELD | {"name": f"f{n}"} for n in range(101)]},
    ],
)
def test_a_template_out_of_bounds_is_refused(client: TestClient, changed: dict[str, Any]) -> None:
    answer = client.post("/api/v1/templates", json=TEMPLATE | changed)
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR"), answer.text
    assert client.post("/api/v1/templates", json=TEMPLATE).status_code == 201


def test_a_breaker_of_no_models_name_is_not_opened(client: TestClient) -> None:
    path = "/api/v1/internal/resilience/circuit-breakers"
    assert client.post(f"{path}/openai/{'x' * 201}/open").status_code == 422
    assert rows("SELECT 1 FROM breaker") == []


LISTS = "documents", "jobs/", "insights", "usage/records"


@pytest.mark.parametrize(
    "cursor", ["documents~doc_1", "jobs~job_1", "insights~x", "usage~1", "~", "1", "usage~9999999999999999999999"]
)
def test_a_cursor_of_another_list_is_refused(client: TestClient, cursor: str) -> None:
    for name in LISTS:
        answer = client.get(f"/api/v1/{name}", params={"cursor": cursor})
        own = cursor[-1] == "1" and cursor.startswith(name.partition("/")[0] + "~")
        assert answer.status_code == (200 if own else 422), (name, answer.text)


def test_a_cursor_as_it_came_leads_on(client: TestClient) -> None:
    added = [add_document(f"Number {n}.", f"{n}.txt") for n in range(3)]
    first = client.get("/api/v1/documents", params={"limit": 2}).json()
    rest = client.get("/api/v1/documents", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert sorted(item["id"] for page in (first, rest) for item in page["items"]) == sorted(added)
    assert rest["next_cursor"] is None
