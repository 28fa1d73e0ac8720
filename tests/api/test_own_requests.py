"""Requests of one's own over HTTP: both ways in, what is refused, and the output."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.batch_provider import BatchProvider
from tests.pipeline import make_job, ready_documents, rows, run_batches, run_job

pytestmark = pytest.mark.usefixtures("database", "batch_server")
JOBS = "/api/v1/jobs/"
BODY = {"messages": [{"role": "user", "content": "Hello."}]}


def draft(client: TestClient, **more: Any) -> str:
    spec = {"template": None, "start": False, "provider": "openai", "model": "gpt-5-mini", "lane": "batch", **more}
    made = client.post(JOBS, json=spec)
    assert made.status_code == 201
    assert made.json()["state"] == "draft"
    return str(made.json()["id"])


def line(custom_id: str, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": BODY, **more}


def jsonl(*lines: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def send_file(client: TestClient, job: str, content: bytes) -> Any:
    return client.post(f"{JOBS}{job}/requests", files={"file": ("in.jsonl", content)})


def send_list(client: TestClient, job: str, *requests: Any) -> Any:
    return client.post(f"{JOBS}{job}/requests", json={"requests": requests})


def test_from_a_file_to_the_output(client: TestClient) -> None:
    job = draft(client)
    added = send_file(client, job, jsonl(line("a"), line("b", body={**BODY, "model": "gpt-5"})))
    assert added.status_code == 201
    assert (added.json()["state"], added.json()["counts"]["pending"]) == ("draft", 2)
    assert float(added.json()["estimate_usd"]) > 0
    assert client.post(f"{JOBS}{job}/start").json()["state"] == "queued"
    run_batches(job)
    answer = client.get(f"{JOBS}{job}/output")
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-disposition"] == f"attachment; filename={job}.jsonl"
    first, second = (json.loads(one) for one in answer.text.splitlines())
    assert (first["custom_id"], first["error"], first["response"]["status_code"]) == ("a", None, 200)
    assert second["response"]["body"]["model"] == "gpt-5"
    listed = client.get(f"{JOBS}{job}/responses").json()["items"]
    assert {item["custom_id"]: item["text"] for item in listed} == {"a": "An answer.", "b": "An answer."}


def test_a_list_of_requests_may_leave_out_the_url(client: TestClient) -> None:
    job = draft(client)
    vectors = {"model": "text-embedding-3-small", "input": "One."}
    assert send_list(client, job, {"custom_id": "a", "body": BODY}).status_code == 201
    added = send_list(client, job, {"custom_id": "b", "url": "/v1/embeddings", "body": vectors})
    assert added.json()["counts"]["total"] == 2
    assert [row["endpoint"] for row in rows("SELECT endpoint FROM request ORDER BY id")] == [
        "/v1/chat/completions",
        "/v1/embeddings",
    ]


def test_messages_go_to_anthropic_live(client: TestClient) -> None:
    job = draft(client, provider="anthropic", model="claude-haiku-4-5", lane="live")
    refused = send_list(client, job, {"custom_id": "a", "body": BODY})
    assert "max_tokens" in refused.json()["message"]
    send_list(client, job, {"custom_id": "a", "body": {**BODY, "max_tokens": 10}})
    client.post(f"{JOBS}{job}/start")
    run_job(job)
    assert json.loads(client.get(f"{JOBS}{job}/output").text)["response"]["body"]["type"] == "message"


def test_a_bad_line_refuses_the_file_and_is_named(client: TestClient) -> None:
    job = draft(client)
    refused = send_file(client, job, jsonl(line("a"), line("a"), line("b", method="GET")) + b"{\n")
    assert (refused.status_code, refused.json()["error"]) == (422, "VALIDATION_ERROR")
    assert [found["line"] for found in refused.json()["detail"]] == [2, 3, 4]
    assert "Line 2: The custom_id 'a' stands in line 1 already." in refused.json()["message"]
    assert rows("SELECT 1 FROM request") == []
    refused = send_list(client, job, line("a"), 7)
    assert "Request 2: It is not a JSON object." in refused.json()["message"]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"json": {"requests": []}}, "no request in it"),
        ({"json": {"request": []}}, "requests: [{custom_id, body}]"),
        ({"json": [line("a")]}, "requests: [{custom_id, body}]"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "requests: [{custom_id, body}]"),
        ({"content": b""}, "requests: [{custom_id, body}]"),
        ({"files": {"file": ("in.jsonl", b"\n")}}, "no request in it"),
        ({"files": {"other": ("in.jsonl", b"{}")}}, "form field `file`"),
        ({"data": {"file": "x"}, "files": {"other": ("in.jsonl", b"{}")}}, "form field `file`"),
        ({"content": b'{"requests": [{"custom_id": "\xff"}]}'}, "not JSON"),
        ({"content": b'{"requests": [{"custom_id": "a", "body": {"seed": 1e999}}]}'}, "not JSON"),
    ],
)
def test_what_holds_no_requests_says_how_they_are_sent(client: TestClient, sent: dict[str, Any], says: str) -> None:
    answer = client.post(f"{JOBS}{draft(client)}/requests", **sent)
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")
    assert says in answer.json()["message"]


def test_more_than_an_upload_may_hold_is_refused(client: TestClient, setting: Any) -> None:
    setting(MAX_UPLOAD_MB=1)
    job = draft(client)
    large = line("a", body={**BODY, "user": "x" * (1 << 20)})
    for answer in (send_file(client, job, jsonl(large)), send_list(client, job, large)):
        assert (answer.status_code, "larger than 1 MB" in answer.json()["message"]) == (422, True)


def test_requests_go_into_drafts_without_a_template_only(client: TestClient) -> None:
    assert send_list(client, "job_gone", line("a")).status_code == 404
    assert client.get(f"{JOBS}job_gone/output").status_code == 404
    assert send_list(client, make_job(ready_documents(1)), line("a")).status_code == 409
    job = draft(client)
    send_list(client, job, line("a"))
    client.post(f"{JOBS}{job}/start")
    refused = send_list(client, job, line("b"))
    assert (refused.status_code, refused.json()["error"]) == (409, "CONFLICT")


def test_a_job_of_own_requests_is_made_first_and_started_last(client: TestClient) -> None:
    spec = {"template": None, "provider": "openai", "model": "gpt-5-mini"}
    assert client.post(JOBS, json=spec).status_code == 422
    assert client.post(JOBS, json={**spec, "start": False, "provider": "offline"}).status_code == 422
    assert client.post(f"{JOBS}{draft(client)}/start").status_code == 422


def test_the_output_of_a_template_s_job(client: TestClient, batch_server: BatchProvider) -> None:
    (document,) = ready_documents(1)
    run_job(job := make_job([document], params={"count": 1}))
    told = json.loads(client.get(f"{JOBS}{job}/output").text)
    assert (told["custom_id"], len(told["response"]["body"]["points"])) == (document, 1)


def test_both_ways_in_are_documented(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    content = paths["/jobs/{job_id}/requests"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert "/jobs/{job_id}/output" in paths
