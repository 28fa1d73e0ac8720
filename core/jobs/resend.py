"""Send requests again that have no answer, and end the search for a provider batch whose outcome is unknown."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.asking import request_plan, templates
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
        control.locked(session, found.job_id)
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


def retry(job_id: str, lane: Lane | None = None) -> int:
    """Send the requests again that failed, expired or were cancelled. Returns how many.

    `lane` None: each in the lane that it was in. Raises NotFound.
    """
    with db.transaction() as session:
        job = control.locked(session, job_id)
        if job.state not in ("running", "paused", *ENDED):
            return 0
        again = db.execute(session, SEND_AGAIN, job=job_id, lane=lane) + merges.hold(session, job_id)
        if again:
            if job.state != "paused":
                job.state, job.finished_at, job.error, job.waits_for = "running", None, None, None
            control.set_going(job)
            session.flush()
            at = db.now(session)
            admission.go_or_wait(session, job, expected.of_rest(session, job, at), at)
            where = {"live": " live, at full price", "batch": " in the batch lane", None: ""}[lane]
            events.note(session, job_id, "retry", f"{again:,} requests are sent again{where}.")
            queue.defer(session, "pump_job", job_id=job_id)
        return again


UNANSWERED = """r.job_id = :job AND r.state IN ('failed', 'cancelled')
  AND r.error_code IS DISTINCT FROM 'document_too_long'
  AND EXISTS (SELECT 1 FROM request_body b WHERE b.request_id = r.id)"""

SEND_AGAIN = f"""
UPDATE request r SET state = 'pending', lane = coalesce(CAST(:lane AS text), r.lane), error_code = NULL,
  error_message = NULL, asked_again = false, resent = 0, provider_batch_id = NULL, finished_at = NULL
WHERE {UNANSWERED}
"""


@dataclass(frozen=True)
class Resend:
    """What `retry` would send. Costs in USD, None if the model has no known price."""

    requests: int
    cost_live: Decimal | None
    cost_batch: Decimal | None


def resend_estimate(job_id: str, at: datetime) -> Resend:
    with db.transaction() as session:
        job = control.locked(session, job_id)
        left = db.row(
            session,
            f"""SELECT count(*)::int AS n, coalesce(sum(input_tokens), 0)::bigint AS tokens
                FROM request r WHERE {UNANSWERED}""",
            job=job_id,
        )
        output = request_plan.OWN_OUTPUT_TOKENS
        if job.template_id is not None:
            asking = templates.of_job(session, job)
            output = asking.expected_output_tokens
    assert left is not None

    def cost(lane: str) -> Decimal | None:
        return pricing.of_calls(job.provider, job.model, left.n, left.tokens, output * left.n, lane, at)

    return Resend(left.n, cost("live"), cost("batch"))
