"""Jobs, requests and provider batches in a state of the test's choice, as the machine would leave them."""

import itertools
from collections.abc import Sequence
from typing import Any

from core.insight_base import counts, writing
from core.insight_base.writing import Finding, Source
from core.runtime import db, workspace

# Ids in the order of their making, however fast that is.
_number = itertools.count(100_000)


def job(state: str, **columns: Any) -> str:
    values: dict[str, Any] = {
        "id": f"job_{next(_number)}",
        "workspace_id": workspace.current(),
        "name": "Made",
        "template_id": "summarize",
        "template_version": 1,
        "params": "{}",
        "provider": "openai",
        "model": "gpt-5.6-luna",
        "lane": "batch",
        "state": state,
        **columns,
    }
    _insert("job", values)
    return str(values["id"])


def requests(job_id: str, state: str, number: int = 1, **columns: Any) -> None:
    values = {"job_id": job_id, "state": state, "lane": "batch", **columns}
    places = {} if "custom_id" in values else {"custom_id": "gen_random_uuid()::text"}
    names = ", ".join({**values, **places})
    with db.transaction(everywhere=True) as session:
        db.execute(
            session,
            f"""WITH made AS (
                  INSERT INTO request (fingerprint, input_tokens, {names})
                  SELECT gen_random_uuid()::text, 1000, {", ".join([*(f":{n}" for n in values), *places.values()])}
                  FROM generate_series(1, :number) RETURNING id
                ) INSERT INTO request_body (request_id, body) SELECT id, '{{}}' FROM made""",
            number=number,
            **values,
        )


def batch(job_id: str, state: str, requests: int = 10, **columns: Any) -> str:
    values: dict[str, Any] = {
        "id": f"bat_{next(_number)}",
        "job_id": job_id,
        "provider": "openai",
        "base_url": "http://localhost",
        "model": "gpt-5.6-luna",
        "endpoint": "/v1/chat/completions",
        "nonce": f"nonce{next(_number)}",
        "state": state,
        "requests": requests,
        **columns,
    }
    _insert("provider_batch", values)
    return str(values["id"])


def odd_line(batch_id: str, kind: str, raw: bytes) -> None:
    _insert("odd_line", {"batch_id": batch_id, "kind": kind, "raw": raw})


def usage(job_id: str | None, **columns: Any) -> None:
    values: dict[str, Any] = {
        "workspace_id": workspace.current(),
        "job_id": job_id,
        "provider": "openai",
        "model": "gpt-5.6-luna",
        "lane": "batch",
        "priced": True,
        "status": "ok",
        **columns,
    }
    _insert("usage_record", values)


def insights(*statements: str, documents: Sequence[str], quote: str, question: str | None = None) -> list[str]:
    """Ids of insights that an answer found in each of these documents, with this quote; in the given order."""
    with db.transaction(everywhere=True) as session:
        for number, document in enumerate(documents, 1):
            found = [Finding(statement, (quote,), {}, question) for statement in statements]
            writing.write(session, [(Source(document, number, "key_points"), one) for one in found])
        ids = {row.statement: str(row.id) for row in db.rows(session, "SELECT id, statement FROM insight")}
    return [ids[statement] for statement in statements]


def pair(one: str, other: str, kind: str = "conflict", verdict: str | None = None) -> None:
    first, second = sorted((one, other))
    values = {"first": first, "second": second, "kind": kind, "verdict": verdict, "found_by": "shape", "score": 0.9}
    state = "settled" if verdict else "open"
    _insert("pair", {"id": f"pair_{next(_number)}", "workspace_id": workspace.current(), "state": state, **values})
    with db.transaction(everywhere=True) as session:
        counts.recount(session, [first, second])


def _insert(table: str, values: dict[str, Any]) -> None:
    with db.transaction(everywhere=True) as session:
        names, places = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
        db.execute(session, f"INSERT INTO {table} ({names}) VALUES ({places})", **values)
