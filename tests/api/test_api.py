"""The HTTP API by its contract: shapes, errors, cursors, and who may call."""

import json
import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.documents import extract
from core.documents import upload as documents_upload
from core.runtime import db, engines, worker_lease
from core.settings import limits
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import TEXT, add_document, make_job, rows, run_job, states

pytestmark = pytest.mark.usefixtures("database")


def upload(client: TestClient, *files: tuple[str, bytes], collection: str = "default") -> Any:
    sent = [("files", file) for file in files]
    return client.post("/api/v1/documents", files=sent, data={"collection": collection})


def test_an_upload_is_accepted_and_known_bytes_are_already_here(client: TestClient) -> None:
    first = upload(client, ("a.txt", b"one"), ("b.txt", b"two"), collection="reports")
    assert first.status_code == 202
    assert [item["duplicate"] for item in first.json()["items"]] == [False, False]
    item = first.json()["items"][0]
    assert (item["state"], item["collection"], item["size_bytes"], item["error"]) == ("queued", "reports", 3, None)
    again = upload(client, ("c.txt", b"one"), collection="reports").json()["items"][0]
    assert (again["id"], again["duplicate"]) == (item["id"], True)
    assert len(rows("SELECT 1 FROM blob")) == 2


def test_a_refused_file_is_skipped_with_its_reason_and_the_others_are_stored(client: TestClient) -> None:
    answer = upload(client, ("a.txt", b"one"), ("empty.txt", b""), ("b.txt", b"two"))
    assert answer.status_code == 202
    assert [item["name"] for item in answer.json()["items"]] == ["a.txt", "b.txt"]
    assert [one["name"] for one in answer.json()["skipped"]] == ["empty.txt"]
    assert "is empty" in answer.json()["skipped"][0]["message"]
    assert upload(client, ("c.txt", b"three")).json()["skipped"] == []


def test_an_upload_of_which_nothing_is_accepted_is_refused(client: TestClient) -> None:
    refused = upload(client, ("empty.txt", b""), ("void.txt", b""))
    assert refused.status_code == 422
    assert "empty.txt is empty" in refused.json()["message"]
    assert "void.txt is empty" in refused.json()["message"]
    assert rows("SELECT 1 FROM document") == []


def test_text_and_original_of_a_document(client: TestClient) -> None:
    document = add_document("Ünï 😀 text of a document.", "über.txt")
    text = client.get(f"/api/v1/documents/{document}/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.text == "Ünï 😀 text of a document."
    original = client.get(f"/api/v1/documents/{document}/original")
    assert original.content == "Ünï 😀 text of a document.".encode()
    assert original.headers["content-disposition"].startswith("attachment")
    assert original.headers["x-content-type-options"] == "nosniff"


def test_a_document_without_text_yet_is_a_conflict(client: TestClient) -> None:
    document = upload(client, ("a.txt", b"one")).json()["items"][0]["id"]
    assert client.get(f"/api/v1/documents/{document}/text").status_code == 409


def test_a_failed_document_is_tried_again(client: TestClient) -> None:
    item = upload(client, ("a.exe", b"\x7fELF\0")).json()["items"][0]
    assert (item["state"], item["error"]["code"]) == ("failed", "UNKNOWN_TYPE")
    again = client.post(f"/api/v1/documents/{item['id']}/retry")
    assert (again.status_code, again.json()["state"]) == (200, "queued")
    assert client.post(f"/api/v1/documents/{item['id']}/retry").json()["state"] == "queued"


def test_a_document_moves_to_another_collection(client: TestClient) -> None:
    document, there = add_document(), add_document(collection="kept")
    assert client.patch(f"/api/v1/documents/{document}", json={"collection": "new"}).json()["collection"] == "new"
    refused = client.patch(f"/api/v1/documents/{document}", json={"collection": "kept"})
    assert (refused.status_code, "already" in refused.json()["message"]) == (409, True)
    assert client.get(f"/api/v1/documents/{there}").json()["collection"] == "kept"
    assert client.patch("/api/v1/documents/doc_none", json={"collection": "kept"}).status_code == 404
    assert client.patch(f"/api/v1/documents/{document}", json={}).status_code == 422


def test_deleting_leaves_the_usage_records(client: TestClient) -> None:
    document = add_document()
    run_job(make_job([document]))
    assert client.delete(f"/api/v1/documents/{document}").status_code == 204
    assert client.get(f"/api/v1/documents/{document}").status_code == 404
    assert client.get("/api/v1/insights").json()["items"] == []
    assert len(client.get("/api/v1/usage/records").json()["items"]) == 1


def test_lists_go_on_where_the_cursor_says(client: TestClient) -> None:
    ids = [documents_upload.add(f"{n}.txt", __import__("io").BytesIO(b"%d" % n)).document.id for n in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = client.get("/api/v1/documents", params={"limit": 2, **cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sorted(ids, reverse=True)
    assert page["next_cursor"] is None
    assert client.get("/api/v1/usage/records?cursor=nonsense").status_code == 422
    assert client.get("/api/v1/documents?limit=501").status_code == 422


@pytest.mark.parametrize(
    ("path", "states"),
    [
        ("documents?state=", "queued extracting ready failed"),
        ("jobs/?state=", "draft queued running paused cancelling completed cancelled failed"),
        ("jobs/?lane=", "live batch"),
        ("jobs/{job}/requests?state=", "pending in_flight succeeded failed cancelled"),
        ("insights?state=", "new confirmed dismissed"),
    ],
)
def test_an_unknown_state_is_refused_with_the_known_ones(client: TestClient, path: str, states: str) -> None:
    path = "/api/v1/" + path.format(job=make_job([add_document()]))
    for unknown in ("redy", "READY", "answered", ""):
        refused = client.get(path + unknown)
        assert (refused.status_code, refused.json()["error"]) == (422, "VALIDATION_ERROR")
        assert all(f"'{state}'" in refused.json()["message"] for state in states.split())
    assert all(client.get(path + state).status_code == 200 for state in states.split())


def test_a_job_from_creation_to_answers(client: TestClient) -> None:
    document = add_document()
    body = {"name": "Points", "template": "key_points", "params": {"count": 2}, "provider": "offline"}
    estimate = client.post("/api/v1/jobs/estimate", json={**body, "documents": [document]}).json()
    assert (estimate["requests"], estimate["reused"], estimate["cost_usd"]["live"]) == (1, 0, "0")
    made = client.post("/api/v1/jobs/", json={**body, "documents": [document]})
    assert made.status_code == 201
    job = made.json()
    assert (job["state"], job["counts"]["total"], job["lane"], job["params"]) == ("queued", 1, "live", {"count": 2})
    run_job(job["id"])
    job = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (job["state"], job["cost_usd"], job["counts"]["succeeded"]) == ("completed", "0", 1)
    (answer,) = client.get(f"/api/v1/jobs/{job['id']}/responses").json()["items"]
    assert len(answer["result"]["points"]) == 2
    assert answer["usage"] == {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0}
    (request,) = client.get(f"/api/v1/jobs/{job['id']}/requests?state=succeeded").json()["items"]
    assert (request["id"], request["document"]) == (answer["request_id"], document)
    assert [e["kind"] for e in client.get(f"/api/v1/jobs/{job['id']}/events").json()["items"]] == [
        "completed",
        "created",
    ]
    insight = client.get("/api/v1/insights?q=pumps").json()["items"][0]
    evidence = insight["evidence"][0]
    assert TEXT[evidence["start"] : evidence["end"]] == evidence["quote"]
    assert client.get(f"/api/v1/insights/{insight['id']}").json() == insight
    stats = client.get("/api/v1/jobs/stats/overview").json()
    assert (stats["jobs"], stats["success_share"]) == ({"completed": 1}, 1.0)


def test_evidence_says_what_came_of_looking_its_quote_up(client: TestClient, openai: LocalProvider) -> None:
    points = [
        {"statement": "Pumps failed.", "quote": "because two “pumps” failed"},
        {"statement": "Nine days.", "quote": "Repairs took eight days and cost 48,000 euros."},
    ]
    openai.plan = lambda _: Reply(content=json.dumps({"points": points}))
    run_job(make_job([add_document()], provider="openai", model="gpt-5-mini"))
    evidence = {one["statement"]: one["evidence"][0] for one in client.get("/api/v1/insights").json()["items"]}
    found, differs = evidence["Pumps failed."], evidence["Nine days."]
    assert (found["verdict"], found["supported"], found["nearest"], found["spans"]) == ("found", True, None, None)
    assert TEXT[found["start"] : found["end"]] == "because two pumps failed"
    assert (differs["verdict"], differs["supported"], differs["start"]) == ("differs", False, None)
    nearest = differs["nearest"]
    assert nearest["text"] == TEXT[nearest["start"] : nearest["end"]]
    assert nearest["changes"] == [{"quote": "eight", "document": "nine"}]


def test_an_upload_that_would_fill_the_disk_says_what_to_do(client: TestClient, setting: Any) -> None:
    setting(MIN_FREE_DISK_MB=1 << 30)
    refused = client.post("/api/v1/documents", files=[("files", ("a.txt", b"text"))])
    assert (refused.status_code, refused.json()["error"]) == (507, "DISK_FULL")
    assert "Delete documents" in refused.json()["message"]
    assert client.get("/api/v1/documents").json()["items"] == []


def test_actions_answer_with_the_new_state_and_repeat_harmlessly(client: TestClient) -> None:
    document = add_document()
    body = {"template": "summarize", "provider": "offline", "documents": [document], "start": False}
    job = client.post("/api/v1/jobs/", json=body).json()
    assert job["state"] == "draft"
    path = f"/api/v1/jobs/{job['id']}"
    assert client.post(f"{path}/start").json()["state"] == "queued"
    assert client.post(f"{path}/start").json()["state"] == "queued"
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert client.put(path, json={"name": "New", "description": "D"}).json()["name"] == "New"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"template": "nothing"}, "no template"),
        ({"lane": "tape"}, "live"),
        ({"canary": -1}, "canary"),
        ({"canary": 2**31}, "canary"),
        ({"leftovers": {"retries": 99}}, "retries"),
        ({"deadline": "2026-01-31T08:00:00"}, "time zone"),
        ({"deadline": "9999-12-31T23:59:59-23:59"}, "9999"),
        ({"provider": "openai"}, "OPENAI_API_KEY"),
        ({"params": {"count": 0}}, "count"),
        ({"documents": ["doc_x"]}, "doc_x"),
        ({"documents": None}, "either documents or a collection"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_job_is_refused_with_what_to_do(client: TestClient, change: dict[str, Any], says: str) -> None:
    body = {"template": "key_points", "provider": "offline", "documents": [add_document()], **change}
    refused = client.post("/api/v1/jobs/", json=body)
    assert refused.status_code in (404, 422)
    error = refused.json()
    assert says in error["message"]
    assert set(error) == {"error", "message", "timestamp", "request_id", "detail"}
    assert refused.headers["x-request-id"] == error["request_id"]
    assert rows("SELECT 1 FROM job") == []


def test_own_templates_are_versioned_and_built_in_ones_stay(client: TestClient) -> None:
    body = {"name": "Dates", "prompt": "Find dates.", "insights": True, "fields": [{"name": "when", "type": "string"}]}
    made = client.post("/api/v1/templates", json=body).json()
    changed = client.put(f"/api/v1/templates/{made['id']}", json={**body, "prompt": "Find all dates."}).json()
    assert (made["version"], changed["version"]) == (1, 2)
    assert client.put("/api/v1/templates/qa", json=body).status_code == 409
    wrong = {**body, "fields": [{"name": "statement", "type": "string"}]}
    assert client.post("/api/v1/templates", json=wrong).status_code == 422
    assert len(client.get("/api/v1/templates").json()["items"]) == 6


def test_nothing_is_asked_by_a_deleted_template_and_what_it_brought_stays(client: TestClient) -> None:
    body = {"name": "Repairs", "prompt": "What was repaired?", "insights": True, "fields": []}
    own = f"/api/v1/templates/{client.post('/api/v1/templates', json=body).json()['id']}"
    template = own.rsplit("/", 1)[1]
    document = add_document()
    job = make_job([document], template)
    assert client.delete(own).status_code == 204
    assert template not in {one["id"] for one in client.get("/api/v1/templates").json()["items"]}
    spec = {"template": template, "documents": [document], "provider": "offline"}
    text = {"operation": template, "text": TEXT}
    for refused in (
        client.post("/api/v1/jobs/", json=spec),
        client.post("/api/v1/text_processing/process", json=text),
        client.put(own, json=body),
        client.delete(own),
    ):
        assert refused.status_code == 409, refused.json()
        assert "“Repairs” was deleted" in refused.json()["message"]
    # A job that was made before goes on, and what it finds is found by its template.
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert client.get("/api/v1/insights", params={"template": template}).json()["items"]
    assert client.get(own).json()["name"] == "Repairs"
    told = "SELECT subject FROM audit_entry WHERE action = 'template.delete'"
    assert rows(told) == [{"subject": f"template:{template}"}]
    assert client.delete("/api/v1/templates/qa").status_code == 409


def test_one_text_now_and_again_for_nothing(client: TestClient) -> None:
    body = {"operation": "key_points", "text": TEXT, "options": {"count": 2}}
    first = client.post("/api/v1/text_processing/process", json=body).json()
    again = client.post("/api/v1/text_processing/process", json=body).json()
    assert (first["reused"], again["reused"]) == (False, True)
    assert first["result"] == again["result"]
    records = client.get("/api/v1/usage/records").json()["items"]
    assert [(r["request"], r["reused"]) for r in records] == [(again["request_id"], True), (first["request_id"], False)]


def test_many_texts_become_a_job(client: TestClient) -> None:
    body = {"operation": "sentiment", "texts": ["Good.", "Bad."], "options": {}, "lane": "live"}
    made = client.post("/api/v1/text_processing/batch_process", json=body)
    assert made.status_code == 202
    assert made.json()["counts"]["total"] == 2
    operations = client.get("/api/v1/text_processing/operations").json()["items"]
    assert [o["id"] for o in operations] == ["summarize", "sentiment", "key_points", "questions", "qa"]


@pytest.mark.parametrize(
    "text",
    [
        "%PDF-1.7 is how a PDF begins.",
        "PK\3\4 is how a zip begins" + ", and many words follow it" * 5,
        "<html> <b>begins</b> a page.",
        "GIF8 begins a picture.",
        "From: a@b.c\nTo: d@e.f\nSubject: x\n\nA mail.",
    ],
)
def test_a_given_text_stays_a_text_whatever_it_begins_like(client: TestClient, text: str) -> None:
    body = {"operation": "summarize", "texts": [text]}
    assert client.post("/api/v1/text_processing/batch_process", json=body).status_code == 202
    (item,) = client.get("/api/v1/documents").json()["items"]
    assert (item["media_type"], item["state"]) == ("text/plain", "queued")
    extract.extract_document(item["id"], worker_lease.register("test"), threading.Event())
    assert client.get(f"/api/v1/documents/{item['id']}/text").text == text
    # Trying again after a failure does not look at its bytes, either.
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET state = 'failed'")
    assert client.post(f"/api/v1/documents/{item['id']}/retry").json()["media_type"] == "text/plain"


def test_money_is_a_plain_decimal_string_and_null_where_unknown(client: TestClient) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO usage_record (workspace_id, time, provider, model, lane, cost_usd, priced, status) VALUES
                 ('ws_default', now(), 'openai', 'm', 'live', 0.000000075, true, 'ok'),
                 ('ws_default', now(), 'openai', 'm', 'live', NULL, false, 'ok')""",
        )
    assert [r["cost_usd"] for r in client.get("/api/v1/usage/records").json()["items"]] == [None, "0.000000075"]
    (model,) = client.get("/api/v1/usage?by=model").json()["items"]
    assert (model["cost_usd"], model["unpriced"]) == ("0.000000075", 1)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"host": "evil.example"}, 403),
        ("POST", {"host": "evil.example"}, 403),
        ("POST", {"origin": "http://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("GET", {"origin": "http://evil.example"}, 200),
        ("GET", {"host": "127.0.0.1:8501"}, 200),
        ("GET", {"host": "[::1]:8501"}, 200),
        ("GET", {"host": "localhost.evil.example"}, 403),
        ("POST", {"origin": "http://localhost"}, 422),
    ],
)
def test_only_this_machine_may_call(client: TestClient, method: str, headers: dict[str, str], status: int) -> None:
    assert client.request(method, "/api/v1/jobs/", headers=headers, json={}).status_code == status


def test_open_access_lifts_the_host_rule_and_keeps_the_origin_rule(client: TestClient, setting: Any) -> None:
    setting(ALLOW_OPEN_ACCESS="true")
    assert client.get("/api/v1/jobs/", headers={"host": "cairn.example"}).status_code == 200
    assert client.post("/api/v1/jobs/", headers={"origin": "http://evil.example"}, json={}).status_code == 403


def test_health_says_what_a_probe_needs(client: TestClient, migrated: str) -> None:
    well = client.get("/health", headers={"host": "probe"})
    assert (well.status_code, well.json()["status"]) == (200, "healthy")
    assert set(well.json()) == {"status", "timestamp", "version", "uptime_seconds"}
    database = client.get("/health/db").json()
    assert (database["database_connected"], database["migration_status"]) == (True, "up_to_date")
    assert set(database["connection_pool"]) == {"active_connections", "pool_size"}
    engines.configure(migrated.replace("/cairn", "/not_there"))
    ill = client.get("/health/db")
    assert (ill.status_code, ill.json()["status"], ill.json()["database_connected"]) == (503, "unhealthy", False)
    assert ill.json()["errors"]
    assert client.get("/api/v1/jobs/").status_code == 503


def test_unknown_addresses_answer_in_the_same_shape(client: TestClient) -> None:
    for path in ("/api/v1/nothing", "/api/v1/jobs/job_x", "/api/v1/documents/doc_x/text", "/api/v1/insights/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND"), path


def test_the_api_is_documented(client: TestClient) -> None:
    assert client.get("/api/v1/docs").status_code == 200
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/documents", "/jobs/", "/insights", "/usage/records"} <= set(paths)


@pytest.mark.parametrize("path", ["docs", "redoc"])
def test_the_pages_about_the_api_need_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    page = client.get(f"/api/v1/{path}")
    parts = [one for one in re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text) if "openapi" not in one]
    assert len(parts) >= 2
    for part in parts:
        found = client.get(f"/api/v1/{part}")
        assert (":" in part, found.status_code, len(found.content) > 1000) == (False, 200, True), part
    assert "'openapi.json'" in page.text or '"openapi.json"' in page.text


def test_a_job_above_the_price_that_needs_a_word_is_confirmed(client: TestClient, openai: object) -> None:
    limits.change("confirm_job_usd", Decimal(0))
    job = {"template": "summarize", "documents": [add_document()], "provider": "openai"}
    refused = client.post("/api/v1/jobs/", json=job)
    assert (refused.status_code, refused.json()["error"]) == (409, "NOT_CONFIRMED")
    assert client.post("/api/v1/jobs/", json={**job, "confirmed": True}).status_code == 201
    draft = client.post("/api/v1/jobs/", json={**job, "start": False}).json()["id"]
    assert client.post(f"/api/v1/jobs/{draft}/start").status_code == 409
    assert client.post(f"/api/v1/jobs/{draft}/start", json={"confirmed": True}).json()["state"] == "queued"
    texts = {"operation": "summarize", "texts": ["One."], "provider": "openai"}
    collections = rows("SELECT 1 FROM collection")
    assert client.post("/api/v1/text_processing/batch_process", json=texts).status_code == 409
    assert rows("SELECT 1 FROM collection") == collections
    assert client.post("/api/v1/text_processing/batch_process", json={**texts, "confirmed": True}).status_code == 202


def test_a_language_is_a_parameter_of_a_job_and_of_a_call(client: TestClient, openai: object) -> None:
    job = {"template": "summarize", "documents": [add_document()], "provider": "openai"}
    made = client.post("/api/v1/jobs/", json={**job, "params": {"language": "german"}}).json()
    assert made["params"] == {"length": "medium", "language": "German"}
    assert client.post("/api/v1/jobs/", json=job).json()["params"] == {"length": "medium"}
    refused = client.post("/api/v1/jobs/", json={**job, "params": {"language": "Klingon"}})
    assert (refused.status_code, "language" in refused.json()["message"]) == (422, True)
    offered = client.get("/api/v1/templates/qa").json()["params_schema"]["properties"]["language"]
    assert {"document", "German"} <= set(offered["enum"])
