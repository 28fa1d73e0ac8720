"""Move a job's waiting requests to the other lane or to another model, by hand or by the job's fallback rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlmodel import Session

from core.access import audit
from core.asking import answer_lengths, request_plan, templates
from core.batch import release
from core.budgets import admission, expected
from core.calls import clients
from core.errors import CairnError, Conflict, InvalidInput
from core.jobs import control
from core.jobs.launch import Lane
from core.money import pricing
from core.providers import sampling
from core.providers.types import Provider
from core.requests import events, expansion, former_models, reuse, waiting
from core.runtime import db, queue
from core.settings import defaults, provider_rows
from core.tables.jobs import JUDGE, MOVABLE, Job, asks_documents

log = structlog.get_logger()


def to_lane(job_id: str, lane: Lane) -> int:
    """Move the requests that wait in the other lane to this one, and make coming ones for it. Returns how many moved.

    Requests behind a canary move, too; the canary itself stays live. Raises NotFound or Conflict.
    """
    with db.transaction() as session:
        job = control.changeable(session, job_id)
        was = job.lane
        moved = _to_lane(session, job, lane)
        _write_down(session, job, {"lane": was}, {"lane": lane, "requests": moved})
        return moved


def _to_lane(session: Session, job: Job, lane: Lane, why: str = "") -> int:
    if job.state not in MOVABLE:
        raise Conflict(f"A job that is {job.state} has nothing that waits for a lane.")
    if job.state != "paused" and job.canary:
        raise Conflict("The canary goes live. Wait until it is through, or pause the job.")
    release.dissolve(session, job.id)
    moved = db.execute(session, MOVE, job=job.id, lane=lane)
    if job.lane != lane or moved:
        job.lane = lane
        _waits_no_more(job)
        control.set_going(job)
        session.flush()
        at = db.now(session)
        admission.after_a_change(session, job, expected.of_rest(session, job, at), at)
        where = "the live lane" if lane == "live" else "the batch lane"
        events.note(session, job.id, "moved", f"{why}Moved to {where}: {moved:,} requests that waited.")
        queue.defer(session, "pump_job", job_id=job.id)
    return moved


MOVE = """
UPDATE request SET lane = :lane WHERE job_id = :job AND state IN ('pending', 'held') AND lane <> :lane
"""


def _waits_no_more(job: Job) -> None:
    """But for a budget: whether that has room for it now is looked at below."""
    if waiting.kind_of(job) != "budget":
        job.waits_for = None


def to_model(job_id: str, provider: str, model: str | None = None) -> int:
    """Ask the job's waiting documents of another model. Returns how many they are.

    Requests under way at the former model stay there, and its answers stay. Raises NotFound, Conflict or InvalidInput.
    """
    with db.transaction() as session:
        # Locked as a whole: meanwhile no request for the former model is made or claimed.
        job = control.changeable(session, job_id, whole=True)
        was = f"{job.provider}/{job.model}"
        moved = _to_model(session, job, provider, defaults.model_for(provider, model))
        _write_down(session, job, {"model": was}, {"model": f"{job.provider}/{job.model}", "requests": moved})
        return moved


def _write_down(session: Session, job: Job, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    audit.write(session, "job.move", "job", job.id, name=job.name, before=before, after=after)


def _to_model(session: Session, job: Job, provider: str, model: str, why: str = "") -> int:
    _check_target(job, provider, model)
    was = f"{job.provider}/{job.model}"
    release.dissolve(session, job.id)
    before = former_models.until(job.former)
    # The request with the highest id may be deleted: then the bound of the last move is higher.
    last = max(before, db.scalar(session, "SELECT coalesce(max(id), 0) FROM request WHERE job_id = :job", job=job.id))
    job.former = [*(job.former or ()), {"provider": job.provider, "model": job.model, "until": last}]
    job.provider, job.model = provider, model
    _waits_no_more(job)
    job.waits_until, job.waits = None, 0
    control.set_going(job)
    session.flush()
    anew = former_models.make_anew(session, job.id)
    at = db.now(session)
    documents = _of_documents(session, job, clients.provider(provider), model, at)
    cost = documents.cost_live if job.lane == "live" else documents.cost_batch
    admission.after_a_change(session, job, expected.both(expected.of_requests(session, job, at), cost), at)
    events.note(session, job.id, "model", f"{why}{_event(session, job, was, len(anew), before)}")
    queue.defer(session, "expand_job", job_id=job.id)
    return len(anew)


def _check_target(job: Job, provider: str, model: str) -> None:
    if job.state == "draft":
        raise Conflict("This job is not started yet: nothing of it waits. Make it anew with the other model.")
    if job.state not in MOVABLE:
        raise Conflict(f"A job that is {job.state} has nothing that could go on with another model.")
    if job.template_id == JUDGE:
        raise Conflict("Pairs are judged by the model that they were given to. Cancel the job and ask the other model.")
    if job.template_id is None:
        raise Conflict(
            "Custom requests are made for their model: it stands in each of them. Hand them in again for another one, "
            "or move the job to the batch lane."
        )
    if job.state == "paused" and job.canary:
        raise Conflict("The canary waits for your decision. Release the rest or drop it first.")
    clients.provider(provider)
    if (provider, model) == (job.provider, job.model):
        raise InvalidInput(f"The job goes to {provider}/{model} already. Choose another model.")
    templates.check_language(job.params, provider)
    sampling.check(sampling.read(job.sampling), provider_rows.can(provider))


def _event(session: Session, job: Job, was: str, anew: int, before: int) -> str:
    left = db.row(session, LEFT_THERE, job=job.id, before=before, last=former_models.until(job.former))
    assert left is not None
    event = f"Goes on with {job.provider}/{job.model} instead of {was}: {_documents(anew)} that waited."
    if left.under_way:
        event += f" {left.under_way:,} requests are still under way at {was} and stay there."
    if left.aside:
        event += f" {left.aside:,} answers of parts are set aside: their documents are asked anew as a whole."
    return event


LEFT_THERE = """
SELECT count(*) FILTER (WHERE state IN ('in_flight', 'answered')) AS under_way,
  count(*) FILTER (WHERE state = 'succeeded' AND custom_id LIKE '%~%' AND id > :before) AS aside
FROM request WHERE job_id = :job AND id <= :last
"""


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number:,} documents"


@dataclass(frozen=True)
class MoveEstimate:
    """What waits, and its cost in USD with one model in either lane; None if no price is known.

    `documents` is 0 for custom requests and those of a judge. `reused` requests are answered already and free;
    `too_long` documents would fail.
    """

    documents: int
    requests: int
    reused: int
    too_long: int
    cost_live: Decimal | None
    cost_batch: Decimal | None


@reuse.or_without
def estimate(job_id: str, at: datetime, provider: str | None = None, model: str | None = None) -> MoveEstimate:
    """With the job's own model unless `provider` is given. Raises the errors of `to_model`."""
    with db.transaction() as session:
        job = control.locked(session, job_id)
        chosen = job.model
        if provider is not None:
            chosen = defaults.model_for(provider, model)
            _check_target(job, provider, chosen)
        if job.template_id is None or not asks_documents(job.template_id):
            return _of_own(session, job, at)
        # An estimate needs no key: the job's provider may not be set up here.
        whom = clients.configured().get(provider or job.provider) or provider_rows.keyless(job.provider)
        return _of_documents(session, job, whom, chosen, at)


def _of_documents(session: Session, job: Job, whom: Provider, chosen: str, at: datetime) -> MoveEstimate:
    waiting = [row.document_id for row in db.rows(session, WAITING_DOCUMENTS, job=job.id)]
    asking = templates.of_job(session, job)
    found = expansion.forecast(session, waiting, asking, whom, chosen, reuse=job.reuse)
    output = answer_lengths.usual(session, asking, whom.name, chosen) * found.calls

    def cost(lane: str) -> Decimal | None:
        return pricing.of_calls(whom.name, chosen, found.calls, found.input_tokens, output, lane, at)

    return MoveEstimate(len(waiting), found.requests, found.reused, found.too_long, cost("live"), cost("batch"))


# As in core.requests.former_models: a document with a request under way is not moved.
WAITING_DOCUMENTS = """
SELECT document_id FROM request WHERE job_id = :job AND document_id IS NOT NULL GROUP BY document_id
HAVING bool_or(state IN ('pending', 'held')) AND NOT bool_or(state IN ('in_flight', 'answered'))
UNION SELECT document_id FROM job_document WHERE job_id = :job AND NOT expanded
"""


def _of_own(session: Session, job: Job, at: datetime) -> MoveEstimate:
    groups = db.rows(session, OWN_WAITING, job=job.id)
    output = request_plan.OWN_OUTPUT_TOKENS
    if job.template_id is not None:
        output = answer_lengths.usual(session, templates.of_job(session, job), job.provider, job.model)

    def cost(lane: str) -> Decimal | None:
        found = [
            pricing.of_calls(job.provider, one.model or job.model, one.n, one.tokens, output * one.n, lane, at)
            for one in groups
        ]
        return _sum(found)

    return MoveEstimate(0, sum(one.n for one in groups), 0, 0, cost("live"), cost("batch"))


OWN_WAITING = """
SELECT model, count(*)::int AS n, sum(input_tokens)::bigint AS tokens FROM request
WHERE job_id = :job AND state IN ('pending', 'held') GROUP BY model
"""


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def follow_rules(at: datetime) -> None:
    """Move the jobs whose fallback rule is due: each job once, and never to a model whose breaker is not closed."""
    with db.transaction(everywhere=True) as session:
        found = [DueFallback(**row._mapping) for row in db.rows(session, DUE)]
    for due in found:
        try:
            with db.transaction(everywhere=True) as session:
                _follow_rule(session, due, at)
        except CairnError as error:
            log.warning("a job's fallback could not be followed", job=due.id, reason=error.message)


@dataclass(frozen=True)
class DueFallback:
    """`model` is the one whose breaker is open: not the job's own, for custom requests that name another."""

    id: str
    model: str
    after_s: float


def _follow_rule(session: Session, due: DueFallback, at: datetime) -> None:
    # A transaction that keeps a batch's answers may hold the job for minutes: the next tick looks again.
    job = session.get(Job, due.id, with_for_update={"skip_locked": True})
    if job is None or job.fallback is None or job.fallback.get("used_at") or job.state != "running":
        return
    rule = job.fallback
    why = f"{job.provider}/{due.model} has kept the job waiting for longer than {due.after_s:,.0f} s. "
    if rule["lane"]:
        _to_lane(session, job, rule["lane"], why)
    elif (rule["provider"], rule["model"]) != (job.provider, job.model):
        _to_model(session, job, rule["provider"], rule["model"], why)
    job.fallback = {**rule, "used_at": at.isoformat()}


# The wait counts from the breaker's first opening or the job's start, whichever is later: failed probes do not end it.
DUE = f"""
SELECT j.id, b.model, CAST(j.fallback ->> 'after_s' AS float8) AS after_s
FROM job j JOIN breaker b ON b.provider = j.provider
WHERE j.state = 'running' AND j.fallback IS NOT NULL AND j.fallback ->> 'used_at' IS NULL AND b.state = 'open'
  AND greatest(b.opened_at, j.started_at) <= now() - make_interval(secs => CAST(j.fallback ->> 'after_s' AS float8))
  AND (j.fallback ->> 'lane' IS NULL OR j.canary = 0)
  AND EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state = 'pending' AND r.lane = 'live'
    AND r.id > {former_models.UNTIL} AND coalesce(r.model, j.model) = b.model)
  AND NOT EXISTS (SELECT 1 FROM breaker other WHERE other.provider = j.fallback ->> 'provider'
    AND other.model = j.fallback ->> 'model' AND other.state <> 'closed')
ORDER BY j.id
"""
