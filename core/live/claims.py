"""Claims of live requests: conditional updates whose rows are the truth, and their release when a worker dies.

A claim holds for as long as its worker's lease. Single flight: of requests with equal fingerprints one is in flight at
a time; the others stay pending until they can reuse its answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.budgets import holding
from core.calls import at_once, breaker, rate_limits
from core.calls.breaker import BreakerState
from core.calls.headroom import Headroom
from core.calls.outcomes import Call, Taken
from core.environment import get_settings
from core.money.usage import REUSED_RECORDS
from core.providers import sampling
from core.providers.types import Provider
from core.requests import former_models, reuse, single_flight
from core.requests.refitting import TOO_LONG
from core.runtime import db, worker_lease
from core.settings import provider_rows
from core.tables.jobs import Job


@dataclass(frozen=True)
class RateLimitWait:
    """The seconds until a model's rate limit has headroom for the job's next request."""

    provider: str
    model: str
    seconds: float


@dataclass(frozen=True)
class Claimed:
    """`calls` are to be made; `reused` requests got a known answer. Where nothing could be claimed, the rest of the job
    waits for an `open_breaker`, for a `full` rate limit, or, `waiting` alone, for requests in flight: equal ones, or as
    many as its provider may have at once. `over_budget`: until more is reserved for the job than was so far."""

    calls: tuple[Call, ...]
    reused: int
    waiting: bool
    open_breaker: BreakerState | None = None
    full: RateLimitWait | None = None
    over_budget: bool = False


NOTHING = Claimed((), 0, waiting=False)


@dataclass(frozen=True)
class Gate:
    """What keeps a provider's models from being called now. `breakers`: those not closed; `rooms`: by model."""

    breakers: Sequence[BreakerState]
    rooms: Mapping[str, Headroom]

    @property
    def open_breakers(self) -> list[str]:
        return [state.model for state in self.breakers]

    @property
    def full(self) -> list[str]:
        return [model for model, room in self.rooms.items() if room.none]

    @property
    def closed(self) -> list[str]:
        """Models of which nothing may be claimed now."""
        return [*self.open_breakers, *self.full]

    def settled(self, model: str) -> Mapping[str, float]:
        return self.rooms[model].settled if model in self.rooms else {}

    @property
    def counted(self) -> list[str]:
        """Models whose tokens are limited."""
        return [model for model, room in self.rooms.items() if room.counts_tokens]


@dataclass(frozen=True)
class TakenRow:
    """A request that a claim has taken: in_flight, or answered with a known answer. `tokens` is its input."""

    id: int
    state: str
    model: str
    tokens: int


def claim(
    session: Session,
    job: Job,
    worker_id: int,
    limit: int,
    provider: Provider,
    expected_output: int,
    *,
    reserved: bool = False,
) -> Claimed:
    """Claim up to `limit` requests of a running job for this worker, and renew its lease.

    `expected_output`: output tokens that one answer usually has. `reserved`: what is left of the job was reserved just
    now.
    """
    single_flight.take_turn(session)
    worker_lease.renew(session, worker_id)
    room = at_once.room(session, provider.name, single=False)
    if room == 0:
        return Claimed((), 0, waiting=_next_tokens(session, job) is not None)
    held = holding.room(session, job, reserved=reserved)
    if held is not None and held.calls < 1:
        return Claimed((), 0, waiting=False, over_budget=_next_tokens(session, job) is not None)
    limit = min(limit, limit if room is None else room, limit if held is None else held.calls)
    gate = Gate(
        breaker.not_closed(session, provider.name, get_settings().worker_lease_seconds),
        rate_limits.headroom(session, provider.name, job.model if job.template_id else None),
    )
    output = _output_tokens(session, job, gate, expected_output)
    taken = _take(session, job, worker_id, limit, gate, gate.closed, output)
    if not taken and job.template_id is None and gate.counted:
        # The first requests may be too large for what is left of their model's tokens: those of other models may go.
        taken = _take(session, job, worker_id, limit, gate, [*gate.closed, *gate.counted], output)
    probe = False
    if not taken:
        probe, taken = _probe(session, job, worker_id, gate, output)
    if not taken:
        return _left_waiting(session, job, gate, output)
    reused = [row.id for row in taken if row.state == "answered"]
    if reused:
        db.execute(session, REUSED_RECORDS, ids=reused)
    takes = {row.id: Taken(row.tokens, output, gate.settled(row.model)) for row in taken if row.state == "in_flight"}
    calls = _calls(session, job, provider, takes, expected_output, probe=probe)
    return Claimed(calls, len(reused), waiting=False)


def _calls(
    session: Session, job: Job, provider: Provider, takes: Mapping[int, Taken], expected_output: int, *, probe: bool
) -> tuple[Call, ...]:
    """The calls of claimed requests, given by their ids with what each takes from its rate limits."""
    sampled = sampling.read(job.sampling)
    bodies = [Body(**row._mapping) for row in db.rows(session, BODIES, ids=list(takes))]
    return tuple(
        Call(
            request_id=row.id,
            attempt=row.attempts,
            workspace_id=job.workspace_id,
            job_id=job.id,
            template_id=job.template_id,
            provider=job.provider,
            model=row.model or job.model,
            lane="live",
            user=job.user,
            input_tokens=row.input_tokens,
            output_tokens=expected_output,
            body=provider.repair(row.body, row.text or "", row.error_message or "") if row.asked_again else row.body,
            endpoint=row.endpoint,
            correlation_id=job.correlation_id,
            probe=probe,
            taken=takes[row.id],
            sampling=sampled,
        )
        for row in bodies
    )


@dataclass(frozen=True)
class Body:
    """A claimed request with its body. `text` and `error_message` are set where it is asked again."""

    id: int
    attempts: int
    asked_again: bool
    error_message: str | None
    input_tokens: int
    model: str | None
    endpoint: str | None
    body: dict[str, Any]
    text: str | None


# A request that is asked again goes out with its newest answer, which was unusable, and the error of that.
BODIES = """
SELECT r.id, r.attempts, r.asked_again, r.error_message, r.input_tokens, r.model, r.endpoint, b.body, s.text
FROM request r JOIN request_body b ON b.request_id = r.id LEFT JOIN response s ON s.id = r.response_id
WHERE r.id = ANY(:ids) ORDER BY r.id
"""


def _left_waiting(session: Session, job: Job, gate: Gate, output: int) -> Claimed:
    """Nothing could be claimed: say what the job's requests wait for, if any are left."""
    if full := _shortest_wait(session, job, gate, output):
        return Claimed((), 0, waiting=True, full=full)
    open_breaker = next((state for state in gate.breakers if _next_tokens(session, job, state.model) is not None), None)
    if open_breaker:
        return Claimed((), 0, waiting=False, open_breaker=open_breaker)
    return Claimed((), 0, waiting=_next_tokens(session, job) is not None)


def _shortest_wait(session: Session, job: Job, gate: Gate, output: int) -> RateLimitWait | None:
    """The shortest wait among models whose rate limit is full; None where none is."""
    waits = []
    for model, room in gate.rooms.items():
        if room.buckets and model not in gate.open_breakers:
            tokens = _next_tokens(session, job, model)
            if tokens is not None and (seconds := room.wait_s(tokens, output)):
                waits.append(RateLimitWait(job.provider, model, seconds))
    return min(waits, key=lambda wait: wait.seconds, default=None)


def _output_tokens(session: Session, job: Job, gate: Gate, expected: int) -> int:
    """The output tokens that each call counts for in a limit of tokens: those of the job's next request."""
    if not gate.counted:
        return expected
    body = db.scalar(session, NEXT_BODY, job=job.id, former=former_models.until(job.former))
    return rate_limits.output_room(job.provider, body, expected) if isinstance(body, dict) else expected


NEXT_BODY = """
SELECT b.body FROM request r JOIN request_body b ON b.request_id = r.id
WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'live' AND r.id > :former ORDER BY r.id LIMIT 1
"""


def _next_tokens(session: Session, job: Job, model: str | None = None) -> int | None:
    """The input tokens of the next pending request, of this model or of any; None where none is left."""
    named = {"job": job.id, "own": job.model, "model": model, "former": former_models.until(job.former)}
    tokens: int | None = db.scalar(session, NEXT_TOKENS, **named)
    return tokens


NEXT_TOKENS = """
SELECT greatest(input_tokens, body_bytes / 4) FROM request
WHERE job_id = :job AND state = 'pending' AND lane = 'live' AND id > :former
  AND (CAST(:model AS text) IS NULL OR coalesce(model, :own) = CAST(:model AS text)) ORDER BY id LIMIT 1
"""


def _take(
    session: Session,
    job: Job,
    worker_id: int,
    limit: int,
    gate: Gate,
    closed: Sequence[str],
    output: int,
    only: str | None = None,
) -> list[TakenRow]:
    """Take requests of all models but the `closed` ones, or of `only` one model for its probe."""
    if job.template_id is not None and job.model in closed:
        # All of the job's requests are for this model.
        return []
    rooms = list(gate.rooms.values())
    found = db.rows(
        session,
        CLAIM.format(
            known=reuse.known("r.fingerprint"),
            twin=single_flight.twin("r.fingerprint"),
            order=LEAST_TRIED_FIRST if only else IN_ORDER,
            too_long=TOO_LONG,
        ),
        job=job.id,
        worker=worker_id,
        limit=limit,
        reuse=job.reuse,
        model=job.model,
        former=former_models.until(job.former),
        closed=list(closed),
        only=only,
        output=output,
        start=rate_limits.START if provider_rows.can(job.provider).has_rate_limits else None,
        models=[room.model for room in rooms],
        calls=[room.calls(output) for room in rooms],
        tokens=[room.level("tokens") for room in rooms],
        tokens_full=[room.full("tokens") for room in rooms],
        inputs=[room.level("input_tokens") for room in rooms],
        inputs_full=[room.full("input_tokens") for room in rooms],
    )
    taken = [TakenRow(**row._mapping) for row in found]
    if provider_rows.can(job.provider).has_rate_limits:
        _take_from_limits(session, job.provider, taken, gate, output)
    return taken


def _take_from_limits(session: Session, provider: str, taken: Sequence[TakenRow], gate: Gate, output: int) -> None:
    by_model: dict[str, list[int]] = {}
    for row in taken:
        if row.state == "in_flight":
            by_model.setdefault(row.model, []).append(row.tokens)
    sums = {model: (len(tokens), sum(tokens), output * len(tokens)) for model, tokens in by_model.items()}
    rate_limits.take(session, provider, sums, gate.rooms)


def _probe(session: Session, job: Job, worker_id: int, gate: Gate, output: int) -> tuple[bool, list[TakenRow]]:
    """Take one request of a model whose breaker is due for a probe. Claims are made one at a time, so it is the only
    one. Returns whether it is a probe: a known answer is none."""
    for state in gate.breakers:
        if not state.due:
            continue
        taken = _take(session, job, worker_id, 1, gate, gate.full, output, only=state.model)
        if taken:
            if taken[0].state == "answered":
                return False, taken
            breaker.begin_probe(session, state, worker_id, get_settings().provider_timeout_seconds)
            return True, taken
    return False, []


# A probe takes what was tried least: else one request that never gets an answer would be every probe.
IN_ORDER, LEAST_TRIED_FIRST = "r.id", "r.attempts, r.id"
# Of the due requests: those with a known answer are answered by it, of equal ones the first goes out, and for each
# model as many as its rate limit has headroom for, by their number (nth) and the sum of their tokens. A request that is
# larger than a full bucket goes alone.
CLAIM = """
WITH due AS MATERIALIZED (
  SELECT r.id, r.fingerprint, CASE WHEN :reuse THEN {known} END AS known, coalesce(r.model, :model) AS model,
    greatest(r.input_tokens, r.body_bytes / 4) AS tokens
  FROM request r
  WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'live' AND r.id > :former AND NOT (:reuse AND {twin})
    AND r.error_code IS DISTINCT FROM '{too_long}' AND NOT coalesce(r.model, :model) = ANY(:closed)
    AND (CAST(:only AS text) IS NULL OR coalesce(r.model, :model) = CAST(:only AS text))
  ORDER BY {order} LIMIT :limit FOR UPDATE OF r SKIP LOCKED
), ranked AS (
  SELECT due.*, row_number() OVER (PARTITION BY fingerprint ORDER BY id) AS place,
    count(*) FILTER (WHERE known IS NULL) OVER so_far AS nth,
    sum(tokens) FILTER (WHERE known IS NULL) OVER so_far AS sum
  FROM due WINDOW so_far AS (PARTITION BY model ORDER BY id)
), room AS (
  SELECT * FROM unnest(CAST(:models AS text[]), CAST(:calls AS int[]), CAST(:tokens AS float8[]),
    CAST(:tokens_full AS bool[]), CAST(:inputs AS float8[]), CAST(:inputs_full AS bool[]))
    AS t(model, calls, tokens, tokens_full, inputs, inputs_full)
)
UPDATE request r SET
  state = CASE WHEN k.known IS NULL THEN 'in_flight' ELSE 'answered' END,
  reused = k.known IS NOT NULL,
  response_id = coalesce(k.known, r.response_id),
  attempts = r.attempts + CASE WHEN k.known IS NULL THEN 1 ELSE 0 END,
  worker_id = CASE WHEN k.known IS NULL THEN CAST(:worker AS bigint) END,
  claimed_at = now()
FROM ranked k LEFT JOIN room ON room.model = k.model
WHERE r.id = k.id AND (k.place = 1 OR k.known IS NOT NULL OR NOT :reuse)
  AND (k.known IS NOT NULL OR k.nth <= coalesce(room.calls, CAST(:start AS int), k.nth)
    AND (room.model IS NULL OR k.sum + k.nth * :output <= room.tokens OR room.tokens_full AND k.nth = 1)
    AND (room.model IS NULL OR k.sum <= room.inputs OR room.inputs_full AND k.nth = 1))
RETURNING r.id, r.state, k.model, k.tokens
"""
