"""Send requests again that have no answer, and end the search for a provider batch whose outcome is unknown."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from sqlmodel import Session

from core.asking import answer_lengths, request_plan, templates
from core.batch import release
from core.budgets import admission, expected
from core.errors import Conflict, NotFound
from core.jobs import control
from core.jobs.launch import Lane
from core.money import pricing
from core.requests import events, finishing, merges
from core.runtime import db, queue
from core.tables.jobs import ENDED


def give_up_looking(batch_id: str) -> None:
    """End the reconciliation of a batch by hand: a person has seen that the provider does not have it, and its requests
    are sent again. If the provider has it after all, its requests are billed twice.

    Raises NotFound, or Conflict if the batch is not being reconciled.
    """
    with db.transaction() as session:
        found = db.row(session, OF_JOB, batch=batch_id)
        if found is None:
            raise NotFound(f"There is no provider batch {batch_id}.")
        control.changeable(session, found.job_id)
        if not db.execute(session, GIVE_UP, batch=batch_id):
            raise Conflict("This batch is not being settled any more. Reload the page.")
        release.give_back(session, [batch_id])
        events.note(
            session, found.job_id, "absent", f"{batch_id} was counted as absent by hand: its requests go again."
        )
        queue.defer(session, "pump_job", job_id=found.job_id)
        finishing.finish_if_done(session, found.job_id)


OF_JOB = """
SELECT b.job_id FROM provider_batch b JOIN job j ON j.id = b.job_id
WHERE b.id = :batch AND j.workspace_id = :workspace
"""

GIVE_UP = """
UPDATE provider_batch SET state = 'absent', epoch = epoch + 1, worker_id = NULL, next_at = NULL, ended_at = now(),
  error = 'Counted as absent by hand.'
WHERE id = :batch AND state = 'settling'
"""


def retry(job_id: str, lane: Lane | None = None, *, filtered: bool = False) -> int:
    """Send the requests again that failed, expired or were cancelled, but for those that would fail again. Returns how
    many.

    `lane` None: each in the lane that it was in. `filtered`: also those that the provider's filter stopped.
    Raises NotFound.
    """
    with db.transaction() as session:
        job = control.changeable(session, job_id)
        if job.state not in ("running", "paused", *ENDED):
            return 0
        left_out = sum(row.requests for row in _left_out(session, job_id, filtered=filtered))
        again = db.execute(session, SEND_AGAIN, job=job_id, lane=lane, filtered=filtered) + merges.hold(session, job_id)
        if again:
            if job.state != "paused":
                job.state, job.finished_at, job.error, job.waits_for = "running", None, None, None
            control.set_going(job)
            session.flush()
            at = db.now(session)
            admission.after_a_change(session, job, expected.of_rest(session, job, at), at)
            where = {"live": " live, at full price", "batch": " in the batch lane", None: ""}[lane]
            beside = f" {left_out:,} would fail again and are left out." if left_out else ""
            events.note(session, job_id, "retry", f"{again:,} requests are sent again{where}.{beside}")
            queue.defer(session, "pump_job", job_id=job_id)
        return again


# Why a request is not sent again; NULL: it is. A merge without a body has not been asked yet, and waits for its parts.
TOO_LONG = "('document_too_long', 'context_too_long')"
# What a provider's filter stopped it stops again; a model that refused may well answer another time.
FILTERED = "('content_filter')"


def _never(row: str) -> str:
    """SQL condition on a request."""
    return f"""(coalesce({row}.error_code IN {TOO_LONG}, false)
      OR NOT CAST(:filtered AS boolean) AND coalesce({row}.error_code IN {FILTERED}, false)
      OR NOT EXISTS (SELECT 1 FROM request_body b WHERE b.request_id = {row}.id)
        AND NOT EXISTS (SELECT 1 FROM request p WHERE p.merge_id = {row}.id))"""


WHY_NOT = f"""CASE
  WHEN r.error_code IN {TOO_LONG} THEN 'too_long'
  WHEN NOT CAST(:filtered AS boolean) AND r.error_code IN {FILTERED} THEN 'filtered'
  WHEN {_never("r")} THEN 'deleted'
  WHEN EXISTS (SELECT 1 FROM request s WHERE s.merge_id IN (r.merge_id, r.id) AND s.state IN ('failed', 'cancelled')
    AND {_never("s")}) THEN 'part'
END"""
UNANSWERED = "r.job_id = :job AND r.state IN ('failed', 'cancelled')"
# Merges wait for their parts: they are held again.
SENDABLE = f"""{UNANSWERED} AND EXISTS (SELECT 1 FROM request_body b WHERE b.request_id = r.id)
  AND ({WHY_NOT}) IS NULL"""

SEND_AGAIN = f"""
UPDATE request r SET state = 'pending', lane = coalesce(CAST(:lane AS text), r.lane), error_code = NULL,
  error_message = NULL, asked_again = false, resent = 0, provider_batch_id = NULL, finished_at = NULL
WHERE {SENDABLE}
"""

Why = Literal["too_long", "filtered", "deleted", "part"]


@dataclass(frozen=True)
class LeftOut:
    """Requests that would fail again, with some of their documents' names. `why`: too long for the model; stopped by
    the provider's filter; of a deleted document; or a part of a document of which another part is one of these."""

    why: Why
    requests: int
    documents: list[str]


def _left_out(session: Session, job_id: str, *, filtered: bool) -> list[LeftOut]:
    return [LeftOut(**row._mapping) for row in db.rows(session, LEFT_OUT, job=job_id, filtered=filtered)]


LEFT_OUT = f"""
SELECT why, count(*)::int AS requests, coalesce((array_agg(DISTINCT name) FILTER (WHERE name IS NOT NULL))[1:4], '{{}}')
  AS documents
FROM (SELECT d.name, {WHY_NOT} AS why FROM request r JOIN job j ON j.id = r.job_id
    LEFT JOIN document d ON d.id = r.document_id WHERE j.workspace_id = :workspace AND {UNANSWERED})
  AS each
WHERE why IS NOT NULL GROUP BY why ORDER BY requests DESC, why
"""


@dataclass(frozen=True)
class Resend:
    """What `retry` would send, and what it would leave out. Costs in USD, None if the model has no known price."""

    requests: int
    cost_live: Decimal | None
    cost_batch: Decimal | None
    left_out: list[LeftOut]


def resend_estimate(job_id: str, at: datetime, *, filtered: bool = False) -> Resend:
    with db.transaction() as session:
        job = control.locked(session, job_id)
        left = db.row(session, WOULD_GO, job=job_id, filtered=filtered)
        left_out = _left_out(session, job_id, filtered=filtered)
        output = request_plan.OWN_OUTPUT_TOKENS
        if job.template_id is not None:
            asking = templates.of_job(session, job)
            output = answer_lengths.usual(session, asking, job.provider, job.model)
    assert left is not None

    def cost(lane: str) -> Decimal | None:
        return pricing.of_calls(job.provider, job.model, left.n, left.tokens, output * left.n, lane, at)

    return Resend(left.n, cost("live"), cost("batch"), left_out)


WOULD_GO = f"""
SELECT count(*)::int AS n, coalesce(sum(input_tokens), 0)::bigint AS tokens FROM request r WHERE {SENDABLE}
"""
