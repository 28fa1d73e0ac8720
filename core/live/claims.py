"""Claims of live requests: conditional updates whose rows are the truth, and their release when a worker dies.

A worker's lease is its row's `last_seen`; a claim holds for as long as its worker is seen. Equal fingerprints are in
flight once: the others stay pending until they can be answered by the first one's response.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.calls import breaker, rate_limits
from core.calls.breaker import Standing
from core.calls.outcomes import Call, Taken
from core.calls.rate_limit_rooms import Room
from core.environment import get_settings
from core.money.usage import REUSED_RECORDS
from core.providers import capabilities
from core.providers.types import Provider
from core.requests import former_models, reuse, single_flight
from core.runtime import db, worker_lease
from core.tables.jobs import CANCELLED, in_sql


@dataclass(frozen=True)
class Wait:
    """For room in the rate limit of a model."""

    provider: str
    model: str
    seconds: float


@dataclass(frozen=True)
class Claimed:
    """`calls` are to be made; `reused` requests were answered by what was known; `waiting` tells of twins in flight.

    `shut` is the breaker, or `full` the rate limit, that the rest of the job waits for.
    """

    calls: tuple[Call, ...]
    reused: int
    waiting: bool
    shut: Standing | None = None
    full: Wait | None = None


@dataclass(frozen=True)
class Gate:
    """What keeps a provider's models from being called now: open breakers, and rate limits with little room."""

    standings: Sequence[Standing]
    rooms: Mapping[str, Room]

    @property
    def open_breakers(self) -> list[str]:
        return [standing.model for standing in self.standings]

    @property
    def full(self) -> list[str]:
        return [model for model, room in self.rooms.items() if room.none]

    def settled(self, model: str) -> Mapping[str, float]:
        return self.rooms[model].settled if model in self.rooms else {}

    @property
    def counted(self) -> list[str]:
        return [model for model, room in self.rooms.items() if room.counts_tokens]


def claim(session: Session, job: Any, worker_id: int, limit: int, provider: Provider, expected_output: int) -> Claimed:
    """Claim up to `limit` requests of a running job for this worker."""
    # Claims are short and taken in blocks; one at a time keeps two workers from claiming two twins.
    single_flight.take_turn(session)
    db.execute(session, "UPDATE worker SET last_seen = now() WHERE id = :worker", worker=worker_id)
    standings = breaker.standings(session, provider.name, get_settings().worker_lease_seconds)
    gate = Gate(standings, rate_limits.rooms(session, provider.name, job.model if job.template_id else None))
    output = _output_tokens(session, job, gate, expected_output)
    shut = [*gate.open_breakers, *gate.full]
    taken = _take(session, job, worker_id, limit, gate, shut, output)
    if not taken and job.template_id is None and gate.counted:
        # The first ones may be too large for what is left of their model's tokens: those of other models may go.
        taken = _take(session, job, worker_id, limit, gate, [*shut, *gate.counted], output)
    probe = None
    if not taken:
        probe, taken = _probe(session, job, worker_id, gate, output)
    reused = [row.id for row in taken if row.state == "answered"]
    if reused:
        db.execute(session, REUSED_RECORDS, ids=reused)
    tokens = {row.id: row.tokens for row in taken if row.state == "in_flight"}
    bodies = db.rows(session, BODIES, ids=list(tokens))
    calls = tuple(
        Call(
            request_id=row.id,
            attempt=row.attempts,
            job_id=job.id,
            template_id=job.template_id,
            provider=job.provider,
            model=row.model or job.model,
            lane="live",
            input_tokens=row.input_tokens,
            output_tokens=expected_output,
            body=provider.repair(row.body, row.text, row.error_message) if row.asked_again else row.body,
            endpoint=row.endpoint,
            correlation_id=job.correlation_id,
            probe=probe is not None,
            taken=Taken(tokens[row.id], output, gate.settled(row.model or job.model)),
        )
        for row in bodies
    )
    if taken:
        return Claimed(calls, len(reused), waiting=False)
    if full := _wait(session, job, gate, output):
        return Claimed(calls, len(reused), waiting=True, full=full)
    shut_by = next((standing for standing in standings if _left(session, job, standing.model) is not None), None)
    return Claimed(calls, len(reused), waiting=shut_by is None and _left(session, job) is not None, shut=shut_by)


def _wait(session: Session, job: Any, gate: Gate, output: int) -> Wait | None:
    """For the model whose next request may go first."""
    waits = []
    for model, room in gate.rooms.items():
        if room.buckets and model not in gate.open_breakers:
            first = _left(session, job, model)
            if first is not None and (seconds := room.wait_s(first, output)):
                waits.append(Wait(job.provider, model, seconds))
    return min(waits, key=lambda wait: wait.seconds, default=None)


def _output_tokens(session: Session, job: Any, gate: Gate, expected: int) -> int:
    """The output tokens that each call of the job counts for, where it matters: those of its next one."""
    if not gate.counted:
        return expected
    body = db.scalar(session, NEXT_BODY, job=job.id, former=former_models.until(job.former))
    return rate_limits.output_room(job.provider, body, expected) if isinstance(body, dict) else expected


NEXT_BODY = """
SELECT b.body FROM request r JOIN request_body b ON b.request_id = r.id
WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'live' AND r.id > :former ORDER BY r.id LIMIT 1
"""


def _left(session: Session, job: Any, model: str | None = None) -> int | None:
    """The input tokens of the first request that is left, of this model or of any; None where none is."""
    named = {"job": job.id, "own": job.model, "model": model, "former": former_models.until(job.former)}
    tokens: int | None = db.scalar(session, LEFT, **named)
    return tokens


LEFT = """
SELECT greatest(input_tokens, body_bytes / 4) FROM request
WHERE job_id = :job AND state = 'pending' AND lane = 'live' AND id > :former
  AND (CAST(:model AS text) IS NULL OR coalesce(model, :own) = CAST(:model AS text)) ORDER BY id LIMIT 1
"""


def _take(
    session: Session,
    job: Any,
    worker_id: int,
    limit: int,
    gate: Gate,
    shut: Sequence[str],
    output: int,
    only: str | None = None,
) -> list[Any]:
    if job.template_id is not None and job.model in shut:
        # All of its requests are for this model: none needs to be looked at.
        return []
    rooms = list(gate.rooms.values())
    taken = db.rows(
        session,
        CLAIM.format(
            known=reuse.known("r.fingerprint"),
            twin=single_flight.twin("r.fingerprint"),
            order=LEAST_TRIED_FIRST if only else IN_ORDER,
        ),
        job=job.id,
        worker=worker_id,
        limit=limit,
        reuse=job.reuse,
        model=job.model,
        former=former_models.until(job.former),
        shut=list(shut),
        only=only,
        output=output,
        start=rate_limits.START if capabilities.of(job.provider).has_rate_limits else None,
        models=[room.model for room in rooms],
        calls=[room.calls(output) for room in rooms],
        tokens=[room.level("tokens") for room in rooms],
        tokens_full=[room.full("tokens") for room in rooms],
        inputs=[room.level("input_tokens") for room in rooms],
        inputs_full=[room.full("input_tokens") for room in rooms],
    )
    if capabilities.of(job.provider).has_rate_limits:
        _take_room(session, job.provider, taken, gate, output)
    return taken


def _take_room(session: Session, provider: str, taken: Sequence[Any], gate: Gate, output: int) -> None:
    by_model: dict[str, list[int]] = {}
    for row in taken:
        if row.state == "in_flight":
            by_model.setdefault(row.model, []).append(row.tokens)
    sums = {model: (len(tokens), sum(tokens), output * len(tokens)) for model, tokens in by_model.items()}
    rate_limits.take(session, provider, sums, gate.rooms)


def _probe(session: Session, job: Any, worker_id: int, gate: Gate, output: int) -> tuple[Standing | None, list[Any]]:
    """One request of a model whose breaker is due for a probe. All claims stand in one line, so it is the only one."""
    for standing in gate.standings:
        if not standing.due:
            continue
        taken = _take(session, job, worker_id, 1, gate, gate.full, output, only=standing.model)
        if taken:
            if taken[0].state == "answered":
                return None, taken
            breaker.begin_probe(session, standing, worker_id, get_settings().provider_timeout_seconds)
            return standing, taken
    return None, []


# A probe takes what was tried least: else one request that never gets an answer would be every probe.
IN_ORDER, LEAST_TRIED_FIRST = "r.id", "r.attempts, r.id"
CLAIM = """
WITH due AS MATERIALIZED (
  SELECT r.id, r.fingerprint, CASE WHEN :reuse THEN {known} END AS known, coalesce(r.model, :model) AS model,
    greatest(r.input_tokens, r.body_bytes / 4) AS tokens
  FROM request r
  WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'live' AND r.id > :former AND NOT (:reuse AND {twin})
    AND NOT coalesce(r.model, :model) = ANY(:shut)
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

# The newest unusable answer and its error go back to the model with a request that is asked again.
BODIES = """
SELECT r.id, r.attempts, r.asked_again, r.error_message, r.input_tokens, r.model, r.endpoint, b.body, s.text
FROM request r JOIN request_body b ON b.request_id = r.id LEFT JOIN response s ON s.id = r.response_id
WHERE r.id = ANY(:ids) ORDER BY r.id
"""


def forget_unsent(session: Session, worker_id: int, running: list[int]) -> None:
    """Put back what this worker claimed without knowing it: its connection broke in the commit, nothing was sent."""
    db.execute(
        session,
        """UPDATE request SET state = 'pending', worker_id = NULL
           WHERE worker_id = :worker AND state = 'in_flight' AND NOT id = ANY(:running)""",
        worker=worker_id,
        running=running,
    )


def release_dead(session: Session, lease_seconds: float) -> list[Any]:
    """Put back what dead workers held, and end their single texts, whom nobody waits for any more.

    Returns the calls whose answer was never heard, to be booked; `output_tokens` is None where the template tells.
    """
    ended = db.rows(session, END_SINGLE, lease=lease_seconds)
    return db.rows(session, RELEASE_DEAD, lease=lease_seconds) + [row for row in ended if row.unheard]


# No call with all its retries takes an hour: whatever became of that one, its twins need not wait any longer.
END_SINGLE = f"""
WITH lost AS (
  SELECT r.id, r.state FROM request r
  WHERE r.job_id IS NULL AND r.state IN ('in_flight', 'answered') AND (
    r.worker_id IS NOT NULL AND {worker_lease.dead("r.worker_id")}
    OR r.claimed_at < now() - interval '1 hour')
  ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
)
UPDATE request r SET state = 'failed', finished_at = now(), worker_id = NULL, error_code = 'interrupted',
  error_message = 'Cairn was stopped before the answer came. Send the text again.'
FROM lost WHERE r.id = lost.id
RETURNING r.id, r.attempts, r.job_id, r.lane, r.input_tokens, r.single ->> 'template_id' AS template_id,
  r.single ->> 'provider' AS provider, r.single ->> 'model' AS model,
  (r.single ->> 'output_tokens')::int AS output_tokens, lost.state = 'in_flight' AND r.single IS NOT NULL AS unheard
"""


RELEASE_DEAD = f"""
WITH dead AS (
  SELECT r.id FROM request r
  WHERE r.state = 'in_flight' AND r.lane = 'live' AND r.job_id IS NOT NULL AND {worker_lease.dead("r.worker_id")}
  ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
)
UPDATE request r SET state = CASE WHEN j.state IN {in_sql(CANCELLED)} THEN 'cancelled' ELSE 'pending' END,
  worker_id = NULL
FROM dead, request o LEFT JOIN job j ON j.id = o.job_id
WHERE r.id = dead.id AND o.id = r.id
RETURNING r.id, r.attempts, r.job_id, r.lane, r.input_tokens, j.template_id, j.template_version, j.params,
  {former_models.asked("provider")} AS provider, coalesce(r.model, {former_models.asked("model")}) AS model,
  NULL::int AS output_tokens
"""
