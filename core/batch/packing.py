"""Pack a batch job's pending requests into provider batches, and write the file of a batch.

A slice takes requests in order of id while they fit the provider's limits and the headroom under our caps; the others
wait. Nothing here calls a provider.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import psycopg
from psycopg import sql
from sqlmodel import Session

from core.asking.prompts import Asking
from core.asking.request_plan import OWN_OUTPUT_TOKENS
from core.batch.report import in_flight
from core.budgets import holding
from core.money import pricing, usage
from core.providers import forms
from core.providers.batch_api import BatchLane, BatchLimits, Framing
from core.providers.forms import AS_BUILT, Form
from core.providers.sampling import AS_ASKED, Sampling
from core.providers.types import Provider
from core.requests import former_models, reuse, single_flight
from core.requests.refitting import TOO_LONG
from core.runtime import db
from core.runtime.ids import new_id
from core.settings import limits as settings_limits
from core.settings import provider_rows
from core.tables.batches import ProviderBatch
from core.tables.jobs import Job

# The most bytes of a custom_id in the file: nonce, request, attempt.
CUSTOM_ID_BYTES = 48
# After so many full queues in a row slices become smaller: the queue may be too small for them.
PATIENT_WAITS = 3
# Prices are read off this many tokens: enough that the cheapest rate survives rounding, too few for a long call's tier.
MANY = 10_000


@dataclass(frozen=True)
class Packed:
    """`batch_id`: of the new batch, if any. `reused`: how many requests were answered by known responses.

    `own_caps`: there are requests to send, and our own caps leave no headroom for the next one. `over_budget`: there
    are, and they go once more is reserved for the job than its budgets let so far.
    """

    batch_id: str | None = None
    reused: int = 0
    own_caps: bool = False
    over_budget: bool = False


@dataclass(frozen=True)
class BatchHeadroom:
    """What our caps leave at one provider. `idle`: nothing is in flight there, so one request fits at any size."""

    batches: int
    tokens: int
    usd: Decimal
    idle: bool

    @property
    def exhausted(self) -> bool:
        return self.batches <= 0 or self.tokens <= 0 or self.usd <= 0


@dataclass(frozen=True)
class Slice:
    """The row of SLICE. `reused`: ids of requests that were answered by known responses; None: none was.

    `unfit`: there are requests to send, whether or not they fit.
    """

    requests: int
    reused: list[int] | None
    unfit: bool
    tokens: int
    usd: Decimal
    model: str
    endpoint: str


def pack(
    session: Session, job: Job, provider: Provider, asking: Asking | None, at: datetime, *, reserved: bool = False
) -> Packed:
    """Put one slice of a running job's requests into a provider batch in state `preparing`.

    `reserved`: what is left of the job was reserved just now.
    """
    # The live lane's claims take turns with us, so that two equal requests do not both go out.
    single_flight.take_turn(session)
    headroom, limits = _headroom(session, provider), _limits(job, provider.batches)
    former = former_models.until(job.former)
    if headroom.exhausted:
        return Packed(own_caps=bool(db.scalar(session, ANYTHING_PENDING, job=job.id, former=former)))
    pending = {
        "job": job.id,
        "former": former,
        "requests": limits.requests,
        "bytes": limits.bytes,
    }
    if not db.scalar(session, WORTH_SENDING, **pending):
        return Packed()
    held = holding.room(session, job, reserved=reserved)
    if held is not None and held.calls < 1:
        return Packed(over_budget=True)
    if held is not None:
        pending["requests"] = min(limits.requests, held.calls)
        # What was reserved just now may lack a rounding of the prices here.
        headroom = headroom if reserved else replace(headroom, usd=min(headroom.usd, held.usd), idle=False)
    if asking is not None:
        _repair(session, job, provider)
    batch_id = new_id("bat")
    output_tokens = asking.expected_output_tokens if asking else OWN_OUTPUT_TOKENS
    prices = _prices(session, job, output_tokens, at)
    sending = {**pending, **prices, "batch": batch_id, "most_inputs": limits.inputs, "at": at}
    taken = _take_slice(session, job, provider, headroom, sending)
    if taken.reused:
        db.execute(session, usage.REUSED_RECORDS, ids=taken.reused)
    if not taken.requests:
        over_budget = taken.unfit and held is not None and held.usd <= headroom.usd
        return Packed(reused=len(taken.reused or ()), own_caps=taken.unfit, over_budget=over_budget and not reserved)
    session.add(_batch(batch_id, job, provider, taken, at))
    session.flush()
    return Packed(batch_id, len(taken.reused or ()))


def _take_slice(
    session: Session, job: Job, provider: Provider, headroom: BatchHeadroom, sending: dict[str, Any]
) -> Slice:
    row = db.row(
        session,
        SLICE.format(
            known=reuse.known("r.fingerprint"),
            twin=single_flight.twin("r.fingerprint"),
            inputs=INPUTS,
            too_long=TOO_LONG,
        ),
        **sending,
        reuse=job.reuse,
        model=job.model,
        endpoint=provider.endpoint,
        mixed=provider.batches.mixes_models,
        frame=_frame_bytes(provider.batches, provider.endpoint),
        tokens=headroom.tokens,
        usd=headroom.usd,
        idle=headroom.idle,
    )
    assert row is not None
    return Slice(**row._mapping)


def _batch(batch_id: str, job: Job, provider: Provider, taken: Slice, at: datetime) -> ProviderBatch:
    return ProviderBatch(
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


ANYTHING_PENDING = """
SELECT EXISTS (SELECT 1 FROM request WHERE job_id = :job AND state = 'pending' AND lane = 'batch' AND id > :former)
"""

# Whether a slice is worth sending: it is full, or nothing more is about to join it. Documents that are not expanded yet
# may join it, and so may answers that have to be asked again.
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

# How many texts a request for embeddings holds: a list holds several, unless it is one text as a list of tokens.
INPUTS = """(SELECT CASE WHEN json_typeof(b.body #> '{input,0}') IN ('string', 'array')
  THEN json_array_length(b.body -> 'input') ELSE 1 END FROM request_body b WHERE b.request_id = r.id)"""

# Claim a slice in one pass, in order of id. Requests whose answer is known are answered, the first of equal ones goes,
# and running sums say how many fit. The row has the columns of Slice.
SLICE = """
WITH due AS MATERIALIZED (
  SELECT r.id, r.fingerprint, r.input_tokens AS tokens, r.body_bytes + :frame AS bytes,
    coalesce(r.model, :model) AS model, coalesce(r.endpoint, :endpoint) AS endpoint,
    CASE WHEN r.endpoint = '/v1/embeddings' THEN {inputs} ELSE 0 END AS inputs,
    CASE WHEN :reuse THEN {known} END AS known
  FROM request r
  WHERE r.job_id = :job AND r.state = 'pending' AND r.lane = 'batch' AND r.id > :former AND NOT (:reuse AND {twin})
    AND r.error_code IS DISTINCT FROM '{too_long}'
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
  EXISTS (SELECT 1 FROM due WHERE known IS NULL) AS unfit,
  max(tokens_so_far)::bigint AS tokens, max(usd_so_far) AS usd, min(model) AS model, min(endpoint) AS endpoint
FROM taken
"""


def _headroom(session: Session, provider: Provider) -> BatchHeadroom:
    used = in_flight(session, provider.name)
    batches, tokens = settings_limits.batches() - used.batches, settings_limits.batch_tokens() - used.tokens
    if provider_rows.can(provider.name).is_local:
        # Nothing leaves this machine: no queue can fill and no money is spent.
        return BatchHeadroom(settings_limits.batches(), settings_limits.batch_tokens(), Decimal(1), idle=True)
    return BatchHeadroom(batches, tokens, settings_limits.batch_usd() - used.usd, idle=used.batches == 0)


def _limits(job: Job, lane: BatchLane) -> BatchLimits:
    smaller = max(0, job.waits - PATIENT_WAITS + 1)
    return replace(lane.limits, requests=max(1, lane.limits.requests >> smaller))


def _frame_bytes(lane: BatchLane, endpoint: str) -> int:
    framing = lane.framing(endpoint)
    around = len(framing.before) + len(framing.between) + len(framing.after) + len(framing.separator) + 1
    return around + CUSTOM_ID_BYTES


def _prices(session: Session, job: Job, output_tokens: int, at: datetime) -> dict[str, Any]:
    """For each model that the job's requests name, USD of an input token and of an answer; 0 where it is not known."""
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
    """Write the bodies of requests that are asked again: the question, the answer that broke the schema, the error."""
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


def write_requests(
    session: Session,
    batch: ProviderBatch,
    framing: Framing,
    path: Path,
    form: Form = AS_BUILT,
    sampling: Sampling = AS_ASKED,
) -> int:
    """Write a batch's requests to `path` in the provider's format, in order of id. Returns how many there are.

    Bodies are stored as they are sent, so they are framed and copied, not parsed; but in another `form`, which was
    learned of this server, they are put into it one by one. `sampling`: what their job set.
    """
    parts = {
        "batch": sql.Literal(batch.id),
        "separator": sql.Literal(framing.separator.decode()),
        "before": sql.Literal(framing.before + batch.nonce + "-"),
        "between": sql.Literal(framing.between),
        "after": sql.Literal(framing.after),
    }
    with path.open("wb") as file:
        file.write(framing.head)
        with db.driver_connection(session).cursor() as cursor:
            if form == AS_BUILT:
                lines = _copied(cursor, sql.SQL(REQUESTS).format(**parts), file)
            else:
                lines = _fitted(cursor, sql.SQL(FRAMED).format(**parts), form, sampling, file)
        file.write(framing.tail)
    return lines


def _copied(cursor: psycopg.Cursor[Any], statement: sql.Composed, file: BinaryIO) -> int:
    with cursor.copy(statement) as rows:
        for chunk in rows:
            file.write(chunk)
    return cursor.rowcount


def _fitted(
    cursor: psycopg.Cursor[Any], statement: sql.Composed, form: Form, sampling: Sampling, file: BinaryIO
) -> int:
    lines = 0
    for before, body, after in cursor.stream(statement):
        fitted = forms.fitted(orjson.loads(body), form, sampling)
        file.write(before.encode() + orjson.dumps(fitted) + after.encode() + b"\n")
        lines += 1
    return lines


# Neither the quote nor the delimiter can occur in JSON, so COPY writes every line unquoted.
START = """CASE WHEN row_number() OVER (ORDER BY r.id) = 1 THEN '' ELSE {separator} END || {before} || r.id || '-'
    || r.attempts || {between}"""
BODY = "CASE WHEN r.asked_again THEN coalesce(b.repaired, b.body) ELSE b.body END"
OF_BATCH = """request r JOIN request_body b ON b.request_id = r.id
  WHERE r.provider_batch_id = {batch} AND r.state = 'in_flight' ORDER BY r.id"""
REQUESTS = rf"""
COPY (
  SELECT {START} || {BODY} || {{after}} FROM {OF_BATCH}
) TO STDOUT (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
"""
FRAMED = f"SELECT {START} AS before, ({BODY})::text AS body, {{after}} AS after FROM {OF_BATCH}"
