"""Live jobs against a loopback provider, and what became of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.calls.outcomes import Call, Kept
from core.live import lane
from core.money import pricing
from core.providers.usage import Usage
from core.runtime import db
from tests.pipeline import add_document, make_job, rows


def live_job(documents: list[str], template: str = "key_points", **spec: Any) -> str:
    return make_job(documents, template, **{"provider": "openai", "model": "gpt-5-mini", **spec})


def many(count: int, words: str = "Pump {n} was replaced. It works again.") -> list[str]:
    return [add_document(words.format(n=n), f"{n}.txt") for n in range(count)]


def job_state() -> str:
    (row,) = rows("SELECT state FROM job")
    return str(row["state"])


def usage() -> list[dict[str, Any]]:
    return rows("SELECT status, input_tokens, output_tokens, cost_usd, reused, attempt FROM usage_record ORDER BY id")


def requests() -> list[dict[str, Any]]:
    return rows("SELECT state, error_code, error_message, attempts, asked_again, reused FROM request ORDER BY id")


def kept(call: Call, **changes: Any) -> Kept:
    price = pricing.price("openai", "gpt-5-mini", Usage(100, 0, 0, 10), "live", datetime.now(UTC))
    made = Kept(
        call=call,
        at=datetime.now(UTC),
        model="gpt-5-mini",
        raw='{"id": "1"}',
        text='{"points": []}',
        finish_reason="stop",
        usage=Usage(100, 0, 0, 10),
        price=price,
        latency_ms=5,
        provider_request_id=None,
    )
    return replace(made, **changes)


def claimed(job: str, worker: int, limit: int = 10) -> tuple[Call, ...]:
    return lane.claim(job, worker, limit).calls


def expire(worker: int) -> None:
    with db.transaction() as session:
        db.execute(session, "UPDATE worker SET last_seen = now() - interval '1 hour' WHERE id = :id", id=worker)
