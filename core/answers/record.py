"""The first stage for every live answer: raw responses, usage records and request states, set-based.

The second stage, core.answers.derive, makes results and insights of them. Nothing that fails there can lose an answer
or bill it twice.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from core.calls.outcomes import Failed, Kept, Outcome, UnknownOutcome
from core.money import usage
from core.money.pricing import tier_of
from core.requests import refitting
from core.runtime import db, text
from core.tables.jobs import is_cancelled


def lost_call_key(request_id: int, attempt: int) -> str:
    """The idempotency key of the estimate for a call whose worker died: `keep` deletes it if its outcome comes."""
    return f"lost:{request_id}:{attempt}"


def keep(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Store outcomes. (request_id, attempt) is an answer's idempotency key: handed in again it changes nothing."""
    if unknown := [outcome for outcome in outcomes if isinstance(outcome, UnknownOutcome)]:
        db.columns(session, KEEP_UNKNOWN, **_unknown_columns(unknown))
    if answers := [outcome for outcome in outcomes if isinstance(outcome, Kept)]:
        db.columns(session, KEEP_ANSWERS, **_answer_columns(answers))
    if failures := [outcome for outcome in outcomes if isinstance(outcome, Failed)]:
        db.columns(session, KEEP_FAILURES, **_failure_columns(failures))
        refitting.put_back(session, {one.call.job_id for one in failures if one.split and one.call.job_id})
    if known := [outcome.call for outcome in outcomes if not isinstance(outcome, UnknownOutcome)]:
        # After the statements above, which waited for a take-over of the same requests: what that has booked is seen.
        lost = [lost_call_key(call.request_id, call.attempt) for call in known]
        db.execute(session, "DELETE FROM usage_record WHERE booking = ANY(:lost)", lost=lost)


BILLED = usage.insert(
    "incoming",
    workspace_id="workspace_id",
    time="answered",
    job_id="job_id",
    request_id="request_id",
    template_id="template_id",
    attempt="attempt",
    provider="provider",
    model="model",
    lane="lane",
    input_tokens="input",
    cached_input_tokens="cached",
    cache_write_tokens="written",
    cache_write_long_tokens="lasting",
    output_tokens="output",
    reasoning_tokens="reasoning",
    web_searches="searches",
    unrated="unrated",
    tier="tier",
    region="region",
    collection=usage.collection_of("incoming.request_id"),
    cost_usd="cost",
    list_usd="list",
    priced="reason IS NULL",
    unpriced_reason="reason",
    price="price::jsonb",
    latency_ms="latency_ms",
    # Whether an answer of an unknown end is of use shows when it is derived.
    status="CASE WHEN finish_reason IN ('stop', 'other') THEN 'ok' ELSE 'unusable' END",
    provider_request_id="provider_request_id",
    **{'"user"': "asked_by"},
)
# An answer to a request that was taken over meanwhile is kept and billed all the same. An answer to a cancelled one, as
# of a deleted document, is only billed. A single text that failed as interrupted gets its answer after all.
KEEP_ANSWERS = f"""
WITH incoming AS (
  SELECT * FROM unnest(
    %(request)s::bigint[], %(attempt)s::int[], %(workspaces)s::text[], %(job)s::text[], %(template)s::text[],
    %(provider)s::text[], %(lane)s::text[], %(at)s::timestamptz[], %(model)s::text[], %(raw)b::text[], %(text)b::text[],
    %(finish)s::text[], %(input)s::bigint[], %(cached)s::bigint[], %(written)s::bigint[], %(output)s::bigint[],
    %(cost)s::numeric[], %(list)s::numeric[], %(reason)s::text[], %(price)s::text[], %(latency)s::int[],
    %(provider_request)s::text[], %(answered)s::timestamptz[], %(lasting)s::bigint[], %(reasoning)s::bigint[],
    %(searches)s::bigint[], %(tier)s::text[], %(region)s::text[], %(asked_by)s::text[],
    %(unrated)s::bigint[]
  ) AS t(request_id, attempt, workspace_id, job_id, template_id, provider, lane, at, model, raw, text, finish_reason,
         input, cached, written, output, cost, list, reason, price, latency_ms, provider_request_id, answered, lasting,
         reasoning, searches, tier, region, asked_by, unrated)
), billed AS (
  {BILLED}
  RETURNING request_id, attempt
), kept AS (
  INSERT INTO response (request_id, fingerprint, model, raw, text, finish_reason, input_tokens, cached_input_tokens,
    output_tokens, created_at)
  SELECT i.request_id, r.fingerprint, i.model, i.raw::json, i.text, i.finish_reason, i.input, i.cached, i.output, i.at
  FROM incoming i JOIN billed USING (request_id, attempt) JOIN request r ON r.id = i.request_id
  WHERE r.state <> 'cancelled'
  RETURNING id, request_id
)
UPDATE request r SET state = 'answered', response_id = kept.id,
  -- A single text is derived by the process that asked it, so it keeps its worker until then.
  worker_id = CASE WHEN r.job_id IS NULL THEN r.worker_id END
FROM kept WHERE r.id = kept.request_id AND (
  r.state IN ('in_flight', 'pending') OR r.job_id IS NULL AND r.state = 'failed' AND r.error_code = 'interrupted')
"""

KEEP_FAILURES = f"""
UPDATE request r SET error_code = i.code, error_message = i.message, worker_id = NULL,
  state = CASE WHEN i.state = 'pending' AND {is_cancelled("r.job_id")}
    THEN 'cancelled' ELSE i.state END,
  finished_at = CASE WHEN i.state = 'failed' THEN now() END
FROM unnest(%(request)s::bigint[], %(attempt)s::int[], %(state)s::text[], %(code)s::text[], %(message)s::text[])
  AS i(id, attempt, state, code, message)
WHERE r.id = i.id AND r.state = 'in_flight' AND r.attempts = i.attempt
"""

KEEP_UNKNOWN = usage.insert(
    """unnest(%(at)s::timestamptz[], %(workspaces)s::text[], %(job)s::text[], %(request)s::bigint[],
    %(template)s::text[],
    %(provider)s::text[], %(model)s::text[], %(lane)s::text[], %(input)s::bigint[], %(output)s::bigint[],
    %(cost)s::numeric[], %(list)s::numeric[], %(reason)s::text[], %(price)s::text[], %(key)s::text[],
    %(asked_by)s::text[])
    AS t(at, workspace, job, request, template, provider, model, lane, input, output, cost, list, reason, price, key,
      asked_by)""",
    workspace_id="workspace",
    time="at",
    job_id="job",
    request_id="request",
    template_id="template",
    provider="provider",
    model="model",
    lane="lane",
    input_tokens="input",
    output_tokens="output",
    tier="CASE WHEN lane = 'batch' THEN 'batch' ELSE 'standard' END",
    collection=usage.collection_of("request"),
    cost_usd="cost",
    list_usd="list",
    priced="reason IS NULL",
    unpriced_reason="reason",
    price="price::jsonb",
    status="'unheard'",
    booking="key",
    **{'"user"': "asked_by"},
)


def _answer_columns(answers: Sequence[Kept]) -> dict[str, list[Any]]:
    return {
        "request": [a.call.request_id for a in answers],
        "attempt": [a.call.attempt for a in answers],
        "workspaces": [a.call.workspace_id for a in answers],
        "job": [a.call.job_id for a in answers],
        "template": [a.call.template_id for a in answers],
        "provider": [a.call.provider for a in answers],
        "lane": [a.call.lane for a in answers],
        "at": [a.at for a in answers],
        "model": [text.storable(a.model) for a in answers],
        "raw": [a.raw for a in answers],
        "text": [text.storable(a.text) for a in answers],
        "finish": [a.finish_reason for a in answers],
        "input": [a.usage.input_tokens for a in answers],
        "cached": [a.usage.cached_input_tokens for a in answers],
        "written": [a.usage.cache_write_tokens for a in answers],
        "output": [a.usage.output_tokens for a in answers],
        "lasting": [a.usage.cache_write_long_tokens for a in answers],
        "reasoning": [a.usage.reasoning_tokens for a in answers],
        "searches": [a.usage.web_searches for a in answers],
        "unrated": [a.usage.unrated for a in answers],
        "tier": [tier_of(a.call.lane, a.terms) for a in answers],
        "region": [text.storable(a.terms.region) if a.terms.region else None for a in answers],
        "cost": [a.price.cost for a in answers],
        "list": [a.price.list_usd for a in answers],
        "reason": [a.price.reason for a in answers],
        "price": [usage.price_json(a.price) for a in answers],
        "answered": [a.answered_at or a.at for a in answers],
        "asked_by": [a.call.user for a in answers],
        "latency": [a.latency_ms for a in answers],
        "provider_request": [a.provider_request_id for a in answers],
    }


def _failure_columns(failures: Sequence[Failed]) -> dict[str, list[Any]]:
    return {
        "request": [f.call.request_id for f in failures],
        "attempt": [f.call.attempt for f in failures],
        "state": ["pending" if f.again else "failed" for f in failures],
        "code": [None if f.again and not f.split else f.code for f in failures],
        "message": [None if f.again and not f.split else text.storable(f.message)[:2000] for f in failures],
    }


def _unknown_columns(unknown: Sequence[UnknownOutcome]) -> dict[str, list[Any]]:
    return {
        "at": [u.at for u in unknown],
        "key": [u.idempotency_key for u in unknown],
        "workspaces": [u.call.workspace_id for u in unknown],
        "job": [u.call.job_id for u in unknown],
        "request": [u.call.request_id for u in unknown],
        "template": [u.call.template_id for u in unknown],
        "provider": [u.call.provider for u in unknown],
        "model": [u.call.model for u in unknown],
        "lane": [u.call.lane for u in unknown],
        "input": [u.call.input_tokens for u in unknown],
        "output": [u.call.output_tokens for u in unknown],
        "cost": [u.price.cost for u in unknown],
        "list": [u.price.list_usd for u in unknown],
        "reason": [u.price.reason for u in unknown],
        "asked_by": [u.call.user for u in unknown],
        "price": [usage.price_json(u.price) for u in unknown],
    }


def keep_unstorable(session: Session, kept: Kept) -> None:
    """Keep an answer that the database refused: its raw body as a JSON string. Its request fails."""
    keep(session, [replace(kept, raw=json.dumps(text.storable(kept.raw)), text="", finish_reason="bad_response")])
    db.execute(session, UNSTORABLE_RESPONSE, request=kept.call.request_id, attempt=kept.call.attempt)


UNSTORABLE_RESPONSE = """
WITH failed AS (
  UPDATE request SET state = 'failed', error_code = 'not_storable', finished_at = now(),
    error_message = 'The answer could not be stored. Its raw body is kept; send the request again.'
  WHERE id = :request AND attempts = :attempt AND state = 'answered' RETURNING response_id
)
UPDATE response s SET verdict = 'not_storable' FROM failed WHERE s.id = failed.response_id
"""
