"""A batch of 50,000 requests of 1.5 KB as it stands when it is handed over, and its results of 2 KB."""

import random
from datetime import UTC, datetime
from pathlib import Path

import orjson

from core.runtime import db, engines
from core.tables.batches import ProviderBatch

REQUESTS, BODY_BYTES, LINE_BYTES = 50_000, 1_500, 2_000
NONCE, MODEL, JOB = "00c0ffee00c0ffee", "gpt-5-mini-2025-08-07", "job_bench"
AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
WORDS = (
    "the northern plant lost eleven percent of its output in March because two pumps failed and were replaced".split()
)


def batch(requests: int) -> ProviderBatch:
    return ProviderBatch(
        id="bat_bench",
        job_id=JOB,
        provider="openai",
        base_url="",
        model="gpt-5-mini",
        endpoint="/v1/chat/completions",
        nonce=NONCE,
        state="ended",
        requests=requests,
    )


def prepare(requests: int) -> None:
    """Documents, a job and the bodies of its requests."""
    with db.transaction() as session:
        for statement in PREPARE:
            db.execute(session, statement, requests=requests, body_bytes=BODY_BYTES)
    hand_over(requests)


def hand_over(requests: int) -> None:
    """The batch as it was before any of its results were kept."""
    with db.transaction() as session:
        db.execute(session, "TRUNCATE request, response, usage_record, odd_line, provider_batch RESTART IDENTITY")
        db.execute(session, HAND_OVER, requests=requests)
        session.add(batch(requests))
    with engines.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE request, request_body")
        connection.exec_driver_sql("CHECKPOINT")


PREPARE = (
    "TRUNCATE document, document_text, blob, request_body, job CASCADE",
    "INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', 'col_b', 'bench') ON CONFLICT DO NOTHING",
    "INSERT INTO blob (sha256, size_bytes) SELECT n, 1 FROM generate_series(1, :requests) n",
    """INSERT INTO document (workspace_id, id, name, collection_id, sha256, media_type, size_bytes, state, tokens)
       SELECT 'ws_default', 'doc_' || n, n, 'col_b', n, 'text/plain', 1, 'ready', 300
         FROM generate_series(1, :requests) n""",
    """INSERT INTO document_text (document_id, text, sha256, page_starts)
       SELECT 'doc_' || n, 'Two pumps of the northern plant failed in March. ' || n, n, '{0}'
       FROM generate_series(1, :requests) n""",
    """INSERT INTO job (workspace_id, id, name, template_id, template_version, params, provider, model, lane, state,
         collections)
       VALUES ('ws_default', 'job_bench', 'bench', 'key_points', 1, '{}', 'openai', 'gpt-5-mini', 'batch',
         'running', '{default}')""",
    """INSERT INTO request_body (request_id, body)
       SELECT n, json_build_object('model', 'gpt-5-mini', 'messages', json_build_array(json_build_object(
         'role', 'user', 'content', n || repeat(' some "words" of a document', (:body_bytes - 100) / 27))))
       FROM generate_series(1, :requests) n""",
)
HAND_OVER = """
INSERT INTO request (job_id, document_id, custom_id, fingerprint, lane, state, attempts, provider_batch_id,
  input_tokens)
SELECT 'job_bench', 'doc_' || n, 'doc_' || n, encode(sha256(n::text::bytea), 'hex'), 'batch', 'in_flight', 1,
  'bat_bench', 400
FROM generate_series(1, :requests) n
"""


def write_results(path: Path, requests: int) -> None:
    """In any order, as they come."""
    draw = random.Random(7)
    order = list(range(1, requests + 1))
    draw.shuffle(order)
    with path.open("wb") as file:
        for number in order:
            file.write(_line(number, draw))


def _line(number: int, draw: random.Random) -> bytes:
    body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _points(draw), "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 400 + number % 100,
            "completion_tokens": 300 + number % 37,
            "total_tokens": 700 + number % 100 + number % 37,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 0},
        },
        "service_tier": "default",
    }
    response = {"status_code": 200, "request_id": f"req_{number}", "body": body}
    line = {
        "id": f"batch_req_{number}",
        "custom_id": f"{NONCE}-{number}-1",
        "response": response,
        "error": None,
    }
    return orjson.dumps(line) + b"\n"


def _points(draw: random.Random) -> str:
    """Statements that nobody made before, each with a quote that is in its document."""
    around = 960
    size = (LINE_BYTES - around + draw.randrange(-150, 150)) // 5
    points = [{"statement": _text(size, draw), "quote": "Two pumps of the northern plant"} for _ in range(5)]
    return orjson.dumps({"points": points}).decode()


def _text(size: int, draw: random.Random) -> str:
    words = list[str]()
    while size > 0:
        words.append(draw.choice(WORDS))
        size -= len(words[-1]) + 1
    return " ".join(words)
