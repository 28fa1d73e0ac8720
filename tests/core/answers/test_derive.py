"""From kept answers to verdicts, insights and evidence in the database, one chunk at a time."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.answers import derive
from core.documents import deletion
from core.requests import expansion
from core.runtime import db
from tests.pipeline import PATIENCE_S, WAITS_FOR_A_LOCK, make_job, ready_documents, rows, until_now

pytestmark = pytest.mark.usefixtures("database")


def points(statement: str = "It works.", quote: str = "It works again.") -> str:
    return json.dumps({"points": [{"statement": statement, "quote": quote}]})


def completion(content: str | None, finish: str = "stop", **message: Any) -> str:
    said = {"role": "assistant", "content": content, **message}
    return json.dumps({"model": "m", "choices": [{"message": said, "finish_reason": finish}]})


def job_of(count: int, provider: str = "openai", **spec: Any) -> str:
    """A job with its requests, of a provider that is not set up here (any more)."""
    job = make_job(ready_documents(count), **spec)
    expansion.expand_job(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET provider = :provider", provider=provider)
    return job


KEEP = """
WITH kept AS (
  INSERT INTO response (request_id, fingerprint, model, raw, finish_reason, input_tokens, cached_input_tokens,
    output_tokens)
  SELECT r.id, r.fingerprint, 'm', CAST(i.raw AS json), '', 1, 0, 1
  FROM unnest(CAST(:raws AS text[])) WITH ORDINALITY AS i(raw, n)
  JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM request WHERE state = 'pending') r USING (n)
  RETURNING id, request_id
), sent AS (
  SELECT k.id, k.request_id, r.attempts + 1 AS attempt FROM kept k JOIN request r ON r.id = k.request_id
), billed AS (
  INSERT INTO usage_record (workspace_id, request_id, attempt, provider, model, lane, priced, status)
  SELECT 'ws_default', request_id, attempt, 'openai', 'm', 'batch', true, 'ok' FROM sent
)
UPDATE request r SET state = 'answered', attempts = attempt, response_id = sent.id
FROM sent WHERE r.id = sent.request_id
"""


def keep(*raws: str) -> None:
    """What the first stage leaves of a batch's results, for the pending requests in turn."""
    with db.transaction() as session:
        db.execute(session, KEEP, raws=list(raws))


def requests() -> list[dict[str, Any]]:
    return rows("SELECT state, error_code, error_message, asked_again FROM request ORDER BY id")


def responses() -> list[dict[str, Any]]:
    return rows("SELECT text, finish_reason, verdict, result FROM response ORDER BY id")


def outcomes() -> list[tuple[str, str | None]]:
    return [(row["state"], row["error_code"]) for row in requests()]


MESSAGE = {
    "model": "m",
    "content": [{"type": "text", "text": points()}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


@pytest.mark.parametrize(
    ("provider", "raw"),
    [("openai", completion(points())), ("anthropic", json.dumps(MESSAGE)), ("offline", points())],
)
def test_an_answer_of_a_batch_is_read_when_it_is_derived(provider: str, raw: str) -> None:
    job_of(1, provider)
    keep(raw)
    assert derive.derive_chunk() == 1
    assert outcomes() == [("succeeded", None)]
    assert responses() == [{"text": points(), "finish_reason": "stop", "verdict": "ok", "result": json.loads(points())}]
    assert [row["supported"] for row in rows("SELECT supported FROM evidence")] == [True]
    assert derive.derive_chunk() == 0


@pytest.mark.parametrize(
    "raw", ["{}", "1", '"text"', completion(None).replace("message", "massage"), '{"a": "\\ud800"}']
)
def test_a_body_that_cannot_be_read_fails_its_request_and_stays(raw: str) -> None:
    job_of(2)
    keep(raw, completion(points()))
    assert derive.derive_chunk() == 2
    assert outcomes() == [("failed", "bad_response"), ("succeeded", None)]
    assert "not a chat completion" in requests()[0]["error_message"]
    assert rows("SELECT CAST(raw AS text) AS raw, text, verdict FROM response ORDER BY id")[0] == {
        "raw": raw,
        "text": "",
        "verdict": "bad_response",
    }
    assert [row["status"] for row in rows("SELECT status FROM usage_record ORDER BY id")] == ["unusable", "ok"]


def test_what_breaks_its_schema_is_asked_once_more() -> None:
    job_of(1)
    keep(completion("{}"))
    derive.derive_chunk()
    assert outcomes() == [("pending", "schema")]
    assert responses()[0]["text"] == "{}"
    keep(completion("[]"))
    derive.derive_chunk()
    assert outcomes() == [("failed", "schema")]


@pytest.mark.parametrize(
    ("finish", "content", "code"),
    [("length", "{", "length"), ("content_filter", "", "content_filter"), ("stop", "", "empty")],
)
def test_what_did_not_come_to_its_end_fails(finish: str, content: str, code: str) -> None:
    job_of(1)
    keep(completion(content, finish))
    derive.derive_chunk()
    assert outcomes() == [("failed", code)]


def own_job(endpoints: list[str]) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO job (workspace_id, id, name, params, provider, model, lane, state)
               VALUES ('ws_default', 'job_own', 'own', '{}', 'openai', 'm', 'batch', 'running')""",
        )
        db.execute(
            session,
            """INSERT INTO request (job_id, custom_id, fingerprint, lane, endpoint)
               SELECT 'job_own', n, n, 'batch', e
               FROM unnest(CAST(:endpoints AS text[])) WITH ORDINALITY AS i(e, n)""",
            endpoints=endpoints,
        )


def test_requests_of_ones_own_are_judged_by_how_they_ended_alone() -> None:
    chat, answers, vectors = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
    own_job([chat, chat, chat, chat, answers, vectors])
    said = {"type": "message", "content": [{"type": "output_text", "text": "Hi."}]}
    keep(
        completion("No JSON at all."),
        completion("Cut", "length"),
        completion(None, refusal="No."),
        completion(""),
        json.dumps({"output": [said], "usage": {}}),
        json.dumps({"data": [{"embedding": [0.5]}]}),
    )
    assert derive.derive_chunk() == 6
    assert outcomes() == [
        ("succeeded", None),
        ("failed", "length"),
        ("failed", "refusal"),
        ("failed", "empty"),
        ("succeeded", None),
        ("succeeded", None),
    ]
    assert [(row["text"], row["verdict"], row["result"]) for row in responses()[::4]] == [
        ("No JSON at all.", "ok", None),
        ("Hi.", "ok", None),
    ]
    assert rows("SELECT 1 FROM insight") == []
    assert rows("SELECT state FROM job WHERE id = 'job_own'") == [{"state": "completed"}]


def test_what_the_database_refuses_fails_alone() -> None:
    """More words than an index of words takes."""
    draw = random.Random(1)
    endless = " ".join(f"{draw.getrandbits(64):x}" for _ in range(100_000))
    job_of(3)
    keep(completion(points("It works.")), completion(points(endless)), completion(points("It works again.")))
    assert derive.derive_chunk() == 3
    assert outcomes() == [("succeeded", None), ("failed", "not_storable"), ("succeeded", None)]
    assert [row["support"] for row in rows("SELECT support FROM insight")] == [1, 1]
    assert [row["verdict"] for row in responses()] == ["ok", "not_storable", "ok"]


def test_statements_longer_than_an_index_takes_are_insights_all_the_same() -> None:
    draw = random.Random(1)
    long = " ".join(f"{draw.getrandbits(64):x}" for _ in range(1000))
    job_of(1)
    keep(completion(points(long)))
    derive.derive_chunk()
    assert outcomes() == [("succeeded", None)]
    assert rows("SELECT statement FROM insight") == [{"statement": long}]


def test_an_answer_nested_beyond_reason_breaks_the_schema() -> None:
    job_of(1)
    keep(completion("[" * 1020 + "]" * 1020))
    derive.derive_chunk()
    assert outcomes() == [("pending", "schema")]


def test_a_document_that_is_being_deleted_keeps_only_its_own_answers_waiting() -> None:
    job_of(2)
    keep(completion(points()), completion(points()))
    with db.transaction() as session:
        db.execute(session, "SELECT 1 FROM document WHERE id = 'doc_0000' FOR UPDATE")
        assert derive.derive_chunk() == 1
    assert outcomes() == [("answered", None), ("succeeded", None)]
    deletion.delete("doc_0000")
    assert derive.derive_chunk() == 0
    assert rows("SELECT document_id FROM evidence") == [{"document_id": "doc_0001"}]


def test_a_document_cannot_go_while_evidence_of_it_is_written() -> None:
    job_of(1)
    keep(completion(points()))
    with ThreadPoolExecutor(1) as thread:
        with db.transaction() as session:
            derive.derive(session, 10)
            deleting = thread.submit(deletion.delete, "doc_0000")
            until_now(lambda: rows(WAITS_FOR_A_LOCK) != [])
        deleting.result(PATIENCE_S)
    assert rows("SELECT 1 FROM evidence UNION ALL SELECT 1 FROM insight UNION ALL SELECT 1 FROM response") == []
    assert outcomes() == [("succeeded", None)]


def test_an_answer_about_a_document_that_is_gone_makes_no_insight() -> None:
    job_of(1)
    keep(completion(points()))
    with db.transaction() as session:
        db.execute(session, "DELETE FROM document")
    assert derive.derive_chunk() == 1
    assert outcomes() == [("succeeded", None)]
    assert rows("SELECT 1 FROM insight UNION ALL SELECT 1 FROM evidence") == []


def test_an_answer_that_was_deleted_before_it_was_derived_fails_its_request_alone() -> None:
    job_of(2)
    keep(completion(points()), completion(points()))
    with db.transaction() as session:
        db.execute(session, "DELETE FROM response WHERE id = (SELECT min(id) FROM response)")
    derive.derive_chunk()
    lost, good = requests()
    assert (lost["state"], lost["error_code"], good["state"]) == ("failed", "answer_lost", "succeeded")
    assert "Send it again" in lost["error_message"]
