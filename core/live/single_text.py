"""One text through one template, now: the same prompt builder, fingerprint, call and keeping as a job's requests.

The request is claimed under the lease of its web process: when that process dies, it fails and its call is booked.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.exc import DataError
from sqlmodel import Session
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from core.access import actor
from core.access.roles import require
from core.answers import derive, keep
from core.answers.derive import Answered
from core.asking import prompt_canary, prompts, templates
from core.asking.prompts import Asking
from core.asking.request_plan import Question
from core.budgets import admission
from core.calls import ask, at_once, breaker, clients, rate_limits
from core.calls.headroom import NoRoom
from core.calls.outcomes import Call, Failed, Kept, Outcome, UnknownOutcome
from core.environment import get_settings
from core.errors import InvalidInput, ProviderError, Unavailable
from core.money import pricing
from core.money import usage as money_usage
from core.providers.capabilities import KINDS
from core.providers.types import Provider
from core.requests import reuse, single_flight
from core.runtime import correlation, db, engines, tokens, worker_lease, workspace
from core.runtime import text as runtime_text
from core.runtime.ids import new_id
from core.settings import provider_rows
from core.settings.defaults import model_for

# Seconds. How long an answer, which is paid for, waits in memory for a database that is away.
STORE_SECONDS = 60.0
T = TypeVar("T")
# The fields of a call that its request stores: to book it, should its process die.
SINGLE = ("workspace_id", "template_id", "provider", "model", "output_tokens", "correlation_id", "user")
_worker_id: int | None = None


@contextmanager
def seen() -> Iterator[None]:
    """Register this web process as a worker and renew its lease; the texts that it asks meanwhile are claimed by it."""
    global _worker_id
    name = engines.process_name()
    _worker_id = worker_lease.register(name, "web")
    worker_lease.name_connections(_worker_id, "web")
    beat = worker_lease.Heartbeat(_worker_id, name, lambda: (0, False), "web")
    beat.start()
    try:
        yield
    finally:
        _worker_id = None
        beat.stop()


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
    fingerprint: str


def default_provider() -> str:
    """Of those that are there from the start: what is added is asked where it is named."""
    return next(name for name in KINDS if name in clients.configured())


async def process(
    operation: str, text: str, options: dict[str, Any], provider: str | None, model: str | None
) -> Processed:
    """Answer one text, by reuse or by a call that may be asked once more.

    Raises InvalidInput, BudgetExceeded, BreakerOpen, NoRoom or Unavailable before a call, and ProviderError where the
    model gave no usable answer; its cost is booked all the same.
    """
    require("ask")
    chosen = provider or default_provider()
    prepared = await _prepared(partial(prepare, operation, text, options, chosen, model))
    call: Call | None = prepared.call
    while call is not None and not prepared.known:
        await ask_and_keep(call)
        call = await _stored(partial(_derive, prepared, call))
        if call is not None and not await ask.room_again(call):
            message = "The rate limit had no room to ask the model again. Send the text again later."
            await _keep([Failed(call, "rate_limited", message)])
            call = None
    return await asyncio.to_thread(_result, operation, prepared.call.request_id, reused=prepared.known)


async def _prepared(prepare: Callable[[], Prepared | None]) -> Prepared:
    """Wait for an equal text in flight, as long as a call may take, and for headroom in a rate limit, for a moment."""
    deadline = time.monotonic() + get_settings().provider_timeout_seconds
    patience = ask.LONGEST_WAIT
    while True:
        try:
            if prepared := await asyncio.to_thread(prepare):
                return prepared
            wait = 0.1
        except NoRoom as none:
            wait = none.wait_s
            patience -= wait
            if patience < 0:
                raise
        if time.monotonic() > deadline:
            raise Unavailable(
                "This text, or others that its provider is asked, are being answered and take long. Ask again."
            )
        await asyncio.sleep(wait)


async def ask_and_keep(call: Call) -> None:
    """Ask, and keep the outcome. It is unknown for a call that is broken off: that may have been billed."""
    unknown: list[UnknownOutcome] = []
    try:
        with correlation.bound(call.correlation_id, request=call.request_id, attempt=call.attempt):
            outcome = await ask.ask(call, note=unknown.append)
    except asyncio.CancelledError:
        message = "The call was broken off before its answer came. Send it again."
        await _keep([*unknown, ask.unknown_outcome(call), Failed(call, "interrupted", message)])
        raise
    except Exception:  # a fault of ours must not hold its twins
        await _keep([*unknown, Failed(call, "internal_error", "A fault inside Cairn; its log has the details.")])
        raise
    if isinstance(outcome, Failed):
        # A single text has no queue to go back to.
        outcome = replace(outcome, again=False)
    await _keep([*unknown, outcome])


async def _keep(outcomes: list[Outcome]) -> None:
    await _stored(partial(keep_now, outcomes))


async def _stored(work: Callable[[], T]) -> T:
    """Run `work` in a thread, again and again while the database is away. Raises Unavailable after STORE_SECONDS."""
    tries = AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(STORE_SECONDS),
        reraise=True,
    )
    return await tries(asyncio.to_thread, work)


def keep_now(outcomes: list[Outcome]) -> None:
    try:
        with db.transaction(everywhere=True) as session:
            keep.keep(session, outcomes)
    except DataError:
        *unknown, last = outcomes
        assert isinstance(last, Kept)
        with db.transaction(everywhere=True) as session:
            keep.keep(session, unknown)
            keep.keep_unstorable(session, last)


@reuse.or_without
def prepare(
    operation: str, text: str, options: dict[str, Any], provider_name: str, model: str | None
) -> Prepared | None:
    """Commit the intent to call, or find a known answer. None while an equal request is in flight."""
    if not text.strip():
        raise InvalidInput("The text is empty. Send a text with words in it.")
    provider = clients.provider(provider_name)
    chosen = model_for(provider_name, model)
    digest = runtime_text.text_hash(text)
    counted = tokens.count(text)
    with db.transaction(everywhere=True) as session:
        asking = templates.asked_now(session, operation, options, provider_name)
        scope, word = workspace.scope(db.workspace_of(session)), prompt_canary.of_installation(session)
        question = Question(asking, provider, chosen, scope, word)
        _check_length(counted, question.budget, chosen)
        call = Call(
            request_id=0,
            attempt=1,
            workspace_id=db.workspace_of(session),
            job_id=None,
            template_id=operation,
            provider=provider_name,
            model=chosen,
            lane="live",
            input_tokens=counted + question.overhead,
            output_tokens=asking.expected_output_tokens,
            body=provider.body(prompts.build(asking, text, digest, canary=word), chosen),
            correlation_id=correlation.current(),
            user=actor.current(),
        )
        fingerprint = question.fingerprint(digest)
        claimed = _claim(session, call, fingerprint)
    if claimed:
        clients.get_ready(provider_name)
    return Prepared(asking, provider, *claimed, fingerprint) if claimed else None


def _claim(session: Session, call: Call, fingerprint: str) -> tuple[Call, bool] | None:
    """Make the request. Returns its call, and whether its answer is known; None while an equal request is in
    flight, or as many as the provider may have at once."""
    known = reuse.remembered(session, fingerprint)
    if known is None:
        single_flight.take_turn(session)
        # Before breakers and rate limits, as a claim of a job's request locks them.
        worker_lease.renew(session, _worker_id)
        sql = STANDING.format(known=reuse.known(":fingerprint"), twin=single_flight.twin(":fingerprint"))
        standing = db.row(session, sql, fingerprint=fingerprint)
        assert standing is not None
        known = standing.known
        if known is not None:
            reuse.memory.put(fingerprint, known)
        elif standing.in_flight:
            return None
    if known is None and at_once.room(session, call.provider, single=True) == 0:
        return None
    probe, taken, expected = False, None, None
    if known is None:
        expected = _price(call, at := db.now(session))
        admission.check_single(session, call.provider, call.template_id or "", expected, at)
        probe, taken = _may_probe(session, call), rate_limits.take_one(session, call)
    request_id = db.scalar(
        session,
        NEW,
        custom=new_id("req"),
        fingerprint=fingerprint,
        tokens=call.input_tokens,
        known=known,
        worker=_worker_id,
        single=json.dumps(
            {
                **{name: getattr(call, name) for name in SINGLE},
                "user": actor.current(),
                "expected_usd": None if expected is None else f"{expected:f}",
            }
        ),
    )
    if known is not None:
        db.execute(session, REUSED, request=request_id)
    return replace(call, request_id=request_id, probe=probe, taken=taken), known is not None


def _price(call: Call, at: datetime) -> Decimal | None:
    if not provider_rows.can(call.provider).is_billed:
        return Decimal(0)
    return pricing.of_calls(call.provider, call.model, 1, call.input_tokens, call.output_tokens, "live", at)


def _may_probe(session: Session, call: Call) -> bool:
    """Whether this call is its open breaker's probe. Raises BreakerOpen where it may not go out at all."""
    settings = get_settings()
    state = breaker.of(breaker.not_closed(session, call.provider, settings.worker_lease_seconds), call.model)
    if state is None:
        return False
    if not state.due:
        raise breaker.BreakerOpen(state)
    breaker.begin_probe(session, state, _worker_id, settings.provider_timeout_seconds)
    return True


def _check_length(count: int, limit: int, model: str) -> None:
    if count > limit:
        raise InvalidInput(
            f"The text has {count:,} tokens and {model} takes {max(limit, 0):,}. "
            "Choose a model with a larger context, or split the text."
        )


# One statement: between two, the answer of an equal request could come and be seen by neither.
STANDING = """
SELECT {known} AS known, {twin} AS in_flight
"""

NEW = """
INSERT INTO request (custom_id, fingerprint, lane, state, attempts, reused, response_id, input_tokens, claimed_at,
  finished_at, single, worker_id)
SELECT :custom, :fingerprint, 'live', CASE WHEN known IS NULL THEN 'in_flight' ELSE 'succeeded' END,
  CASE WHEN known IS NULL THEN 1 ELSE 0 END, known IS NOT NULL, known, :tokens, now(),
  CASE WHEN known IS NOT NULL THEN now() END, CAST(:single AS jsonb),
  CASE WHEN known IS NULL THEN CAST(:worker AS bigint) END
FROM (SELECT CAST(:known AS bigint) AS known) given
RETURNING id
"""

REUSED = money_usage.insert_reused(
    "request r WHERE r.id = :request",
    workspace_id="r.single ->> 'workspace_id'",
    template_id="r.single ->> 'template_id'",
    provider="r.single ->> 'provider'",
    model="r.single ->> 'model'",
    **{'"user"': "coalesce(r.single ->> 'user', '')"},
)

# A second ask is a claim like any other: its attempt is counted before it goes out.
AGAIN = """
UPDATE request SET state = 'in_flight', attempts = attempts + 1, claimed_at = now() WHERE id = :request
RETURNING attempts
"""


def _derive(prepared: Prepared, call: Call) -> Call | None:
    """Derive the answer. Returns the call to make where it broke the schema for the first time."""
    with db.transaction(everywhere=True) as session:
        row = db.row(session, ANSWERED, request=call.request_id)
        if row is None:
            return None
        answered = Answered(**row._mapping, provider=prepared.provider.name)
        derived = derive.consider(prepared.asking, answered, prompt_canary.of_installation(session))
        derive.write(session, [derived])
        if derived.state == "succeeded":
            reuse.memory.put(prepared.fingerprint, answered.response_id)
        if derived.state != "pending":
            db.execute(session, "UPDATE request SET worker_id = NULL WHERE id = :request", request=call.request_id)
            return None
        body = prepared.provider.repair(call.body, row.text, derived.verdict.message)
        attempt = db.scalar(session, AGAIN, request=call.request_id)
        return replace(call, body=body, attempt=attempt)


ANSWERED = """
SELECT r.id, r.asked_again, r.response_id, r.input_tokens AS sent, s.input_tokens AS read,
  s.output_tokens AS written, s.text,
  s.finish_reason, s.verdict, s.verdict_message AS message, s.result
FROM request r JOIN response s ON s.id = r.response_id WHERE r.id = :request AND r.state = 'answered'
"""


def _result(operation: str, request_id: int, *, reused: bool) -> Processed:
    with db.transaction(everywhere=True) as session:
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
