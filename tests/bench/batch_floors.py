"""What the batch lane is measured against: bare psycopg and orjson with no care at all, and the usual ORM loop."""

import json
from pathlib import Path

import orjson
import psycopg
from sqlmodel import Session, col, select

from core.money.pricing import price
from core.providers.usage import Usage
from core.runtime import engines
from core.runtime.workspace import DEFAULT
from core.tables.answers import Response
from core.tables.jobs import Request, RequestBody
from core.tables.money import UsageRecord
from tests.bench.batch_data import AT, JOB, NONCE

PRICE = orjson.dumps({"rates": {"model": "gpt-5-mini", "applied": "$0.125/input, $1/output", "source": "x"}}).decode()


def bare_build(url: str, path: Path) -> None:
    bodies = "COPY (SELECT request_id, body::text FROM request_body ORDER BY 1) TO STDOUT"
    with psycopg.connect(url) as connection, connection.cursor().copy(bodies) as rows, path.open("wb") as file:
        rows.set_types(["int8", "text"])
        for number, body in rows.rows():
            line = {"custom_id": f"{NONCE}-{number}-1", "method": "POST", "url": "/v1/chat/completions"}
            file.write(orjson.dumps({**line, "body": orjson.Fragment(body)}) + b"\n")


def bare_keep(url: str, path: Path) -> None:
    """Believes whatever is in the file: that each line is there once, can be read, and is of this batch."""
    booked = []
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        fingerprints = dict(cursor.execute("SELECT id, fingerprint FROM request").fetchall())
        with cursor.copy(COPY_RESPONSES) as rows, path.open("rb") as lines:
            for line in lines:
                parsed = orjson.loads(line)
                request, body = int(parsed["custom_id"].split("-")[1]), parsed["response"]["body"]
                used, model = body["usage"], body["model"]
                cached = used["prompt_tokens_details"]["cached_tokens"]
                counts = used["prompt_tokens"], cached, used["completion_tokens"]
                rows.write_row(
                    (request, fingerprints[request], model, orjson.dumps(body).decode(), "stop", *counts, AT)
                )
                booked.append(
                    (DEFAULT, AT, JOB, request, 1, "openai", model, "batch", *counts, "0.00035", True, PRICE, "ok")
                )
        with cursor.copy(COPY_RECORDS) as rows:
            for record in booked:
                rows.write_row(record)
        cursor.execute(
            """UPDATE request r SET state = 'answered', response_id = s.id, worker_id = NULL
               FROM response s WHERE s.request_id = r.id"""
        )


COPY_RESPONSES = """
COPY response (request_id, fingerprint, model, raw, finish_reason, input_tokens, cached_input_tokens, output_tokens,
  created_at) FROM STDIN
"""
COPY_RECORDS = """
COPY usage_record (workspace_id, time, job_id, request_id, attempt, provider, model, lane, input_tokens,
  cached_input_tokens, output_tokens, cost_usd, priced, price, status) FROM STDIN
"""


def orm_build(path: Path, requests: int) -> None:
    with Session(engines.engine()) as session, path.open("wb") as file:
        for request in session.exec(select(Request).order_by(col(Request.id)).limit(requests)):
            body = session.get_one(RequestBody, request.id).body
            line = {"custom_id": f"{NONCE}-{request.id}-1", "method": "POST", "url": "/v1/chat/completions"}
            file.write(orjson.dumps({**line, "body": body}) + b"\n")


def orm_keep(path: Path, requests: int) -> None:
    """Row by row, in one commit: a request is loaded, an answer and a usage record are added."""
    with Session(engines.engine()) as session, path.open("rb") as lines:
        for _, line in zip(range(requests), lines, strict=False):
            parsed = orjson.loads(line)
            body, used = parsed["response"]["body"], parsed["response"]["body"]["usage"]
            request = session.get_one(Request, int(parsed["custom_id"].split("-")[1]))
            usage = Usage(
                used["prompt_tokens"], used["prompt_tokens_details"]["cached_tokens"], 0, used["completion_tokens"]
            )
            cost = price("openai", body["model"], usage, "batch", AT)
            response = Response(
                request_id=request.id,
                fingerprint=request.fingerprint,
                model=body["model"],
                raw=body,
                finish_reason="stop",
                input_tokens=usage.input_tokens,
                cached_input_tokens=usage.cached_input_tokens,
                output_tokens=usage.output_tokens,
                created_at=AT,
            )
            session.add(response)
            session.add(
                UsageRecord(
                    workspace_id="ws_default",
                    time=AT,
                    job_id=JOB,
                    request_id=request.id,
                    attempt=1,
                    provider="openai",
                    model=body["model"],
                    lane="batch",
                    input_tokens=usage.input_tokens,
                    cached_input_tokens=usage.cached_input_tokens,
                    cache_write_tokens=0,
                    output_tokens=usage.output_tokens,
                    cost_usd=cost.cost,
                    priced=cost.priced,
                    price=json.loads(cost.applied.as_json) if cost.applied else None,
                    status="ok",
                )
            )
            session.flush()
            request.state, request.response_id, request.worker_id = "answered", response.id, None
        session.commit()
