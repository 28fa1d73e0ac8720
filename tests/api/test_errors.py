"""Every failure in one shape, with an id, and nothing of what was sent."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import api
from tests.pipeline import add_document, rows

pytestmark = pytest.mark.usefixtures("database")
V1 = "/api/v1"
SHAPE = {"error", "message", "timestamp", "request_id", "detail"}


def post(client: TestClient, path: str, body: Any) -> Any:
    # Not by the client's own encoder, which refuses the half surrogates that a program may send.
    return client.post(f"{V1}{path}", content=json.dumps(body), headers={"content-type": "application/json"})


@pytest.fixture
def broken(client: TestClient) -> Iterator[str]:
    """A route with a fault of ours."""

    def fault() -> None:
        raise RuntimeError("the document says: confidential")

    api.add_api_route("/broken", fault)
    yield f"{V1}/broken"
    api.router.routes.pop()


def test_an_unexpected_fault_tells_its_id_and_nothing_else(client: TestClient, broken: str, setting: Any) -> None:
    answer = client.get(broken, headers={"x-request-id": "trace-1"})
    assert (answer.status_code, set(answer.json())) == (500, SHAPE)
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "trace-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "confidential" not in answer.text
    setting(DEBUG="true")
    assert "confidential" in client.get(broken).json()["detail"]


@pytest.mark.parametrize("path", ["/usage", "/nothing", "/usage?by=x"])
def test_an_id_is_taken_over_where_it_is_sane(client: TestClient, path: str) -> None:
    assert client.get(V1 + path, headers={"x-request-id": "a.b-c_1"}).headers["x-request-id"] == "a.b-c_1"
    for wild in ("x" * 65, "two words", "<script>"):
        uuid.UUID(client.get(V1 + path, headers={"x-request-id": wild}).headers["x-request-id"])


def test_health_carries_an_id_too(client: TestClient) -> None:
    assert client.get("/health", headers={"x-request-id": "probe"}).headers["x-request-id"] == "probe"
    uuid.UUID(client.get("/health/db").headers["x-request-id"])


@pytest.mark.parametrize(
    "path",
    [
        "/documents?collection=%00",
        "/documents?cursor=%00",
        "/documents/%00",
        "/documents/a%00/text",
        "/templates/%00",
        "/jobs/%00",
        "/jobs/?state=%00",
        "/insights/%00",
        "/insights?q=%00",
        "/insights?cursor=2026-01-01~%00",
        "/insights?cursor=nonsense",
        "/usage/records?job=%00",
        "/usage/records?cursor=9999999999999999999",
        "/usage/records?cursor=-1",
    ],
)
def test_an_address_that_no_database_takes_is_refused(client: TestClient, path: str) -> None:
    answer = client.get(V1 + path)
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("wild", ["a\0b", "\ud800"])
@pytest.mark.parametrize("place", ["name", "model", "params", "template", "text", "texts", "prompt"])
def test_text_that_no_database_takes_is_refused(client: TestClient, place: str, wild: str) -> None:
    job = {"template": "qa", "provider": "offline", "documents": [add_document()], "params": {"question": "Which?"}}
    single = {"operation": "summarize", "text": "Good."}
    path, body = {
        "name": ("/jobs/", {**job, "name": wild}),
        "model": ("/jobs/", {**job, "model": wild}),
        "params": ("/jobs/", {**job, "params": {"question": wild}}),
        "template": ("/jobs/estimate", {**job, "template": wild}),
        "text": ("/text_processing/process", {**single, "text": wild}),
        "texts": ("/text_processing/batch_process", {"operation": "summarize", "texts": [wild]}),
        "prompt": ("/templates", {"name": "n", "prompt": wild, "insights": True}),
    }[place]
    answer = post(client, path, body)
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")
    assert rows("SELECT 1 FROM job") == []
    assert len(rows("SELECT 1 FROM document")) == 1


def test_a_collection_with_a_nul_is_refused(client: TestClient) -> None:
    files = [("files", ("a.txt", b"x"))]
    assert client.post(f"{V1}/documents", files=files, data={"collection": "a\0"}).status_code == 422


def test_fields_are_named_and_inputs_not_echoed(client: TestClient) -> None:
    answer = post(client, "/jobs/", {"template": {"secret": "hunter2"}, "provider": "hunter2", "start": "hunter2"})
    assert answer.status_code == 422
    assert {d["field"] for d in answer.json()["detail"]} == {"body.template", "body.provider", "body.start"}
    assert "hunter2" not in answer.text


def test_a_wrong_method_says_which_are_right(client: TestClient) -> None:
    answer = client.put(f"{V1}/usage")
    assert (answer.status_code, answer.json()["error"], answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "GET")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b""])
def test_a_body_that_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post(f"{V1}/jobs/", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, set(answer.json())) == (422, SHAPE)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/jobs/", {"template": "summarize", "provider": "offline", "collection": "default"}),
        ("/jobs/estimate", {"template": "summarize", "provider": "offline", "collection": "default"}),
        ("/text_processing/batch_process", {"operation": "summarize", "texts": ["Good."]}),
    ],
)
def test_an_unknown_lane_is_refused_before_anything_is_stored(client: TestClient, path: str, body: Any) -> None:
    answer = post(client, path, {**body, "lane": "tape"})
    assert answer.status_code == 422
    assert "'live' or 'batch'" in answer.json()["message"]
    assert rows("SELECT 1 FROM document") == rows("SELECT 1 FROM job") == []
