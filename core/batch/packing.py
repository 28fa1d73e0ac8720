"""From a batch job's pending requests to provider batches: which go together, and the file that carries them.

A slice takes requests in order for as long as they fit the provider's limits and our caps; what does not fit waits.
Nothing here sends anything.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from psycopg import sql
from sqlmodel import Session

from core.asking.prompts import Asking
from core.asking.request_plan import OWN_OUTPUT_TOKENS
from core.batch.report import in_flight
from core.money import pricing, usage
from core.providers import capabilities
from core.providers.batch_api import BatchLane, Framing, Limits
from core.providers.types import Provider
from core.requests import former_models, reuse, single_flight
from core.runtime import db
from core.runtime.ids import new_id
from core.settings import limits as settings_limits
from core.tables.batches import ProviderBatch
from core.tables.jobs import Job

# What a custom_id takes in the file: nonce, request, attempt.
CUSTOM_ID_BYTES = 48
# So often in a row may a provider's queue be full before slices become smaller: it may be too small for them.
PATIENT_WAITS = 3
# So many tokens that the cheapest model's rate does not vanish in rounding, and too few for the tiers of long calls.
MANY = 10_000


@dataclass(frozen=True)
class Packed:
    """What a look at a job's pending requests came to: a new batch, and answers that were known. `own_caps`: there are
    requests to send, and our own caps leave no room for the next of them."""

    batch_id: str | None = None
    reused: int = 0
    own_caps: bool = False


@dataclass(frozen=True)
class Room:
    """What may still be handed to one provider. `idle`: nothing is in flight, so that whatever comes first goes."""

    batches: int
    tokens: int
    usd: Decimal
    idle: bool

    @property
    def none(self) -> bool:
        return self.batches <= 0 or self.tokens <= 0 or self.usd <= 0


def pack(session: Session, job: Job, provider: Provider, asking: Asking | None, at: datetime) -> Packed:
    """Put one slice of a running job's requests into a provider batch in state `preparing`."""
    # The lock that claims of the live lane take: one at a time keeps two twins from going out.
    single_flight.take_turn(session)
    room, limits = _room(session, provider), _limits(job, provider.batches)
    if room.none:
        return Packed(own_caps=bool(db.scalar(session, ANYTHING, job=job.id, former=former_models.until(job.former))))
    sending = {
        "job": job.id,
        "former": former_models.until(job.former),
        "requests": limits.requests,
        "bytes": limits.bytes,
    }
    if not db.scalar(session, WORTH_SENDING, **sending):
        return Packed()
    if asking is not None:
        _repair(session, job, provider)
    batch_id = new_id("bat")
    taken = db.row(
        session,
        SLICE.format(known=reuse.known("r.fingerprint"), twin=single_flight.twin("r.fingerprint"), inputs=INPUTS),
        **sending,
        most_inputs=limits.inputs,
        batch=batch_id,
        reuse=job.reuse,
        model=job.model,
        endpoint=provider.endpoint,
        mixed=provider.batches.mixes_models,
        frame=_frame_bytes(provider.batches, provider.endpoint),
        tokens=room.tokens,
        usd=room.usd,
        idle=room.idle,
        at=at,
        **_prices(session, job, asking.expected_output_tokens if asking else OWN_OUTPUT_TOKENS, at),
    )
    assert taken is not None
    if taken.reused:
        db.execute(session, usage.REUSED_RECORDS, ids=taken.reused)
    if not taken.requests:
        return Packed(reused=len(taken.reused or ()), own_caps=taken.unfit)
    session.add(
        ProviderBatch(
            id=batch_id,
            job_id=job.id,
            provider=provider.name,
            base_url=provider.base_url,
            model=taken.model,
            endpoint=taken.endpoint,
            nonce=uuid.uuid4().hex[:16],
            requests=taken.requests,
            input_tokens=taken.tokens,
            estimate_usd=taken.usd,
            next_at=at,
        )
    )
    session.flush()
    return Packed(batch_id, len(taken.reused or ()))


ANYTHING = """
SELECT EXISTS (SELECT 1 FROM request WHERE job_id = :job AND state = 'pending' AND lane = 'batch' AND id > :former)
"""

# A slice that is not full goes only when nothing more is about to join it: documents still being extracted or expanded,
# answers that may have to be asked again.
WORTH_SENDING = """
WITH waiting AS (
  SELECT body_bytes FROM request
  WHERE job_id = :job AND state = 'pending' AND lane = 'batch' AND id > :former LIMIT :requests
)
SELECT count(*) > 0 AND (count(*) >= :requests OR coalesce(sum(body_bytes), 0) >= :bytes OR NOT (
  EXISTS (SELECT 1 FROM job_document WHERE job_id = :job AND NOT expanded)
  OR EXISTS (SELECT 1 FROM request WHERE job_id = :job AND state = 'answered')))
FROM waiting
"""

# Of a request for embeddings: a list holds many, unless it is one text as a list of tokens.
INPUTS = """(SELECT CASE WHEN json_typeof(b.body #> '{input,0}') IN ('string', 'array')
  THEN json_array_length(b.body -> 'input') ELSE 1 END FROM request_body b WHERE b.request_id = r.id)"""

# Which requests are known already, which are the first of their fingerprint, and how far they fit: one pass, in order.
SLICE = """
WITH due AS MATERIALIZED (
  SELECT r.id, r.fingerprint, r.input_tokens AS tokens, r.body_bytes + :frame AS bytes,
    coalesce(r.model, :model) AS model, coalesce(r.endpoint, :endpoint) AS endpoint,
    CASE WHEN r.endpoint = '/v1/embeddings' THEN {inputs} ELSE 0 END AS inputs,
    CASE WHEN :reuse THEN {known} END AS known
  FROM request r
  WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'batch' AND r.id > :former AND NOT (:reuse AND {twin})
  ORDER BY r.id LIMIT :requests FOR UPDATE OF r SKIP LOCKED
), unknown AS (
  SELECT due.*, row_number() OVER (PARTITION BY fingerprint ORDER BY id) AS place,
    first_value(model) OVER in_order AS first_model, first_value(endpoint) OVER in_order AS first_endpoint
  FROM due WHERE known IS NULL WINDOW in_order AS (ORDER BY id)
), measured AS (
  SELECT u.id, u.model, u.endpoint, u.tokens, row_number() OVER in_order AS number,
    sum(u.bytes) OVER in_order AS bytes_so_far, sum(u.inputs) OVER in_order AS inputs_so_far,
    sum(u.tokens) OVER in_order AS tokens_so_far,
    sum(u.tokens * p.input + p.output) OVER in_order AS usd_so_far
  FROM unknown u
  JOIN unnest(CAST(:models AS text[]), CAST(:inputs AS numeric[]), CAST(:outputs AS numeric[]))
    AS p(model, input, output) ON p.model = u.model
  WHERE (u.place = 1 OR NOT :reuse) AND u.endpoint = u.first_endpoint AND (:mixed OR u.model = u.first_model)
  WINDOW in_order AS (ORDER BY u.id)
), taken AS (
  SELECT * FROM measured
  WHERE number = 1 AND :idle OR bytes_so_far <= :bytes AND tokens_so_far <= :tokens AND usd_so_far <= :usd
    AND inputs_so_far <= coalesce(CAST(:most_inputs AS bigint), inputs_so_far)
), claimed AS (
  UPDATE request r SET state = 'in_flight', provider_batch_id = :batch, attempts = r.attempts + 1, claimed_at = :at,
    worker_id = NULL
  FROM taken WHERE r.id = taken.id RETURNING r.id
), answered AS (
  UPDATE request r SET state = 'answered', reused = true, response_id = due.known, claimed_at = :at
  FROM due WHERE r.id = due.id AND due.known IS NOT NULL RETURNING r.id
)
SELECT (SELECT count(*)::int FROM claimed) AS requests, (SELECT array_agg(id) FROM answered) AS reused,
  EXISTS (SELECT 1 FROM measured) AS unfit,
  max(tokens_so_far)::bigint AS tokens, max(usd_so_far) AS usd, min(model) AS model, min(endpoint) AS endpoint
FROM taken
"""


def _room(session: Session, provider: Provider) -> Room:
    used = in_flight(session, provider.name)
    batches, tokens = settings_limits.batches() - used.batches, settings_limits.batch_tokens() - used.tokens
    if capabilities.of(provider.name).is_local:
        # Nothing leaves this machine: there is no queue to fill and no money to spend.
        return Room(settings_limits.batches(), settings_limits.batch_tokens(), Decimal(1), idle=True)
    return Room(batches, tokens, settings_limits.batch_usd() - used.usd, idle=used.batches == 0)


def _limits(job: Job, lane: BatchLane) -> Limits:
    smaller = max(0, job.waits - PATIENT_WAITS + 1)
    return replace(lane.limits, requests=max(1, lane.limits.requests >> smaller))


def _frame_bytes(lane: BatchLane, endpoint: str) -> int:
    framing = lane.framing(endpoint)
    around = len(framing.before) + len(framing.between) + len(framing.after) + len(framing.separator) + 1
    return around + CUSTOM_ID_BYTES


def _prices(session: Session, job: Job, output_tokens: int, at: datetime) -> dict[str, Any]:
    """USD of an input token and of an answer, for each model that this job's requests name; 0 where it is not known."""
    models = {job.model}
    if job.template_id is None:
        named = db.rows(session, "SELECT DISTINCT model FROM request WHERE job_id = :job", job=job.id)
        models |= {row.model for row in named if row.model}

    def usd(model: str, input_tokens: int, output_tokens: int) -> Decimal:
        price = pricing.estimate(job.provider, model, input_tokens, output_tokens, "batch", at)
        return price.cost or Decimal(0)

    ordered = sorted(models)
    return {
        "models": ordered,
        "inputs": [usd(model, MANY, 0) / MANY for model in ordered],
        "outputs": [usd(model, 0, output_tokens) for model in ordered],
    }


def _repair(session: Session, job: Job, provider: Provider) -> None:
    """Make the bodies of those that are asked again: the question, the answer that broke its schema, and the error."""
    rows = db.rows(session, TO_REPAIR, job=job.id, former=former_models.until(job.former))
    if not rows:
        return
    bodies = [orjson.dumps(provider.repair(row.body, row.text or "", row.error_message or "")).decode() for row in rows]
    db.execute(session, REPAIRED, ids=[row.id for row in rows], bodies=bodies)


TO_REPAIR = """
SELECT r.id, r.error_message, b.body, s.text
FROM request r JOIN request_body b ON b.request_id = r.id LEFT JOIN response s ON s.id = r.response_id
WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'batch' AND r.asked_again
  AND r.id > :former
"""

REPAIRED = """
WITH made AS (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:bodies AS text[])) AS t(id, body)), sized AS (
  UPDATE request r SET body_bytes = octet_length(made.body) FROM made WHERE r.id = made.id
)
UPDATE request_body b SET repaired = CAST(made.body AS json) FROM made WHERE b.request_id = made.id
"""


def write_requests(session: Session, batch: ProviderBatch, framing: Framing, path: Path) -> int:
    """Write a batch's requests as its provider takes them, in order of their ids. Returns how many there are.

    The bodies lie in the database as they are sent, so they are only framed and copied through.
    """
    statement = sql.SQL(REQUESTS).format(
        batch=sql.Literal(batch.id),
        separator=sql.Literal(framing.separator.decode()),
        before=sql.Literal(framing.before + batch.nonce + "-"),
        between=sql.Literal(framing.between),
        after=sql.Literal(framing.after),
    )
    lines = 0
    with path.open("wb") as file:
        file.write(framing.head)
        with db.driver_connection(session).cursor() as cursor:
            with cursor.copy(statement) as rows:
                for chunk in rows:
                    file.write(chunk)
            lines = cursor.rowcount
        file.write(framing.tail)
    return lines


# Neither the quote nor the delimiter can stand in JSON, so that every line comes out as it is.
REQUESTS = r"""
COPY (
  SELECT CASE WHEN row_number() OVER (ORDER BY r.id) = 1 THEN '' ELSE {separator} END || {before} || r.id || '-'
    || r.attempts || {between} || CASE WHEN r.asked_again THEN coalesce(b.repaired, b.body) ELSE b.body END || {after}
  FROM request r JOIN request_body b ON b.request_id = r.id
  WHERE r.provider_batch_id = {batch} AND r.state = 'in_flight' ORDER BY r.id
) TO STDOUT (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
"""
