"""One text through one template, now: the same prompt builder, fingerprint, call and record as a job's requests."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from core import calls, db, derive, expand, prompts, record, templates, tokens
from core.errors import ProviderError
from core.ids import new_id
from core.jobs import model_for
from core.prompts import Asking
from core.providers.types import Provider
from core.record import Call, Failed, Outcome, Unheard


@dataclass(frozen=True)
class ProcessUsage:
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Processed:
    """`request_id` is the request that its usage record names."""

    operation: str
    result: dict[str, Any]
    usage: ProcessUsage
    cost_usd: Decimal | None
    reused: bool
    request_id: str


@dataclass(frozen=True)
class Prepared:
    asking: Asking
    provider: Provider
    call: Call
    known: bool


def default_provider() -> str:
    return next(name for name in calls.NAMES if name in calls.configured())


async def process(
    operation: str, text: str, options: dict[str, Any], provider: str | None, model: str | None
) -> Processed:
    """Raises ProviderError where the model gave no usable answer; what it cost is booked all the same."""
    prepared = await asyncio.to_thread(_prepare, operation, text, options, provider or default_provider(), model)
    call = prepared.call
    if prepared.known:
        return await asyncio.to_thread(_result, operation, call.request_id, reused=True)
    for _ in range(2):
        unheard: list[Unheard] = []
        outcome = await calls.ask(call, note=unheard.append)
        again = await asyncio.to_thread(_keep, prepared, call, [*unheard, outcome])
        if isinstance(outcome, Failed):
            raise ProviderError(outcome.message, code=outcome.code)
        if again is None:
            break
        call = again
    return await asyncio.to_thread(_result, operation, call.request_id, reused=False)


def _prepare(operation: str, text: str, options: dict[str, Any], provider_name: str, model: str | None) -> Prepared:
    provider = calls.provider(provider_name)
    chosen = model_for(provider_name, model)
    with db.transaction() as session:
        asking = templates.asking(session, operation, options)
        digest = prompts.text_hash(text)
        fingerprint = expand.fingerprint(expand.prefix(asking, provider, chosen), digest)
        counted = tokens.count(text) + expand.overhead(asking)
        known = db.scalar(session, KNOWN, fingerprint=fingerprint)
        request_id = db.scalar(session, NEW, custom=new_id("req"), fingerprint=fingerprint, tokens=counted, known=known)
        body = provider.body(prompts.build(asking, text, digest), chosen)
        if known is not None:
            db.execute(session, REUSED, request=request_id, template=operation, provider=provider_name, model=chosen)
    call = Call(
        request_id=request_id,
        attempt=1,
        job_id=None,
        template_id=operation,
        provider=provider_name,
        model=chosen,
        lane="live",
        input_tokens=counted,
        output_tokens=asking.expected_output_tokens,
        body=body,
    )
    return Prepared(asking, provider, call, known is not None)


KNOWN = "SELECT id FROM response WHERE fingerprint = :fingerprint AND verdict = 'ok' ORDER BY id LIMIT 1"

NEW = """
INSERT INTO request (custom_id, fingerprint, lane, state, attempts, reused, response_id, input_tokens, claimed_at,
  finished_at)
VALUES (:custom, :fingerprint, 'live', CASE WHEN CAST(:known AS bigint) IS NULL THEN 'in_flight' ELSE 'succeeded' END,
  CASE WHEN CAST(:known AS bigint) IS NULL THEN 1 ELSE 0 END, CAST(:known AS bigint) IS NOT NULL,
  CAST(:known AS bigint), :tokens, now(), CASE WHEN CAST(:known AS bigint) IS NOT NULL THEN now() END)
RETURNING id
"""

REUSED = """
INSERT INTO usage_record (request_id, template_id, provider, model, lane, cost_usd, priced, reused, status)
VALUES (:request, :template, :provider, :model, 'live', 0, true, true, 'ok')
"""

# A second ask is a claim like any other: its attempt is counted before it goes out.
AGAIN = """
UPDATE request SET state = 'in_flight', attempts = attempts + 1, claimed_at = now() WHERE id = :request
RETURNING attempts
"""


def _keep(prepared: Prepared, call: Call, outcomes: list[Outcome]) -> Call | None:
    """Keep and derive. Returns the call to make when the answer broke the schema for the first time."""
    with db.transaction() as session:
        record.keep(session, outcomes)
        row = db.row(session, ANSWERED, request=call.request_id)
        if row is None:
            return None
        derived = derive.consider(prepared.asking, _derivable(row))
        derive.write(session, [derived])
        if derived.state != "pending":
            return None
        body = prepared.provider.repair(call.body, row.text, derived.verdict.message)
        attempt = db.scalar(session, AGAIN, request=call.request_id)
        return replace(call, body=body, attempt=attempt)


ANSWERED = """
SELECT r.id, r.asked_again, r.response_id, s.text, s.finish_reason, s.verdict, s.result
FROM request r JOIN response s ON s.id = r.response_id WHERE r.id = :request AND r.state = 'answered'
"""


def _derivable(row: Any) -> SimpleNamespace:
    return SimpleNamespace(**row._mapping, job_id=None, document_id=None)


def _result(operation: str, request_id: int, *, reused: bool) -> Processed:
    with db.transaction() as session:
        row = db.row(session, RESULT, request=request_id)
        assert row is not None
        if row.state != "succeeded":
            raise ProviderError(row.error_message, code=row.error_code)
        return Processed(
            operation=operation,
            result=row.result,
            usage=ProcessUsage(row.input_tokens, row.cached, row.output_tokens),
            cost_usd=row.cost,
            reused=reused,
            request_id=str(request_id),
        )


RESULT = """
SELECT r.state, r.error_code, r.error_message, s.result,
  (SELECT CASE WHEN bool_and(priced) THEN sum(cost_usd) END FROM usage_record WHERE request_id = r.id) AS cost,
  (SELECT coalesce(sum(input_tokens), 0)::bigint FROM usage_record WHERE request_id = r.id) AS input_tokens,
  (SELECT coalesce(sum(cached_input_tokens), 0)::bigint FROM usage_record WHERE request_id = r.id) AS cached,
  (SELECT coalesce(sum(output_tokens), 0)::bigint FROM usage_record WHERE request_id = r.id) AS output_tokens
FROM request r LEFT JOIN response s ON s.id = r.response_id WHERE r.id = :request
"""
