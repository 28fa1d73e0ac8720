"""What one round (`python -m jobs once`) finds to do, and what went wrong in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.requests import finishing
from core.runtime import db, queue
from core.tables.jobs import GOING, in_sql


@dataclass(frozen=True)
class Open:
    """Ids of rows with work to do. `live_jobs` have pending live requests; `answered`: there are answers to derive."""

    documents: Sequence[str]
    jobs: Sequence[str]
    live_jobs: Sequence[str]
    batches: Sequence[str]
    answered: bool


def what_is_open() -> Open:
    with db.transaction(everywhere=True) as session:
        found = db.row(session, OPEN)
    assert found is not None
    return Open(**found._mapping)


# Batches before they are due, too, but not those that wait after a failure.
OPEN = f"""
SELECT ARRAY(SELECT id FROM document WHERE state = 'queued' ORDER BY id) AS documents,
  ARRAY(SELECT id FROM job WHERE state IN {in_sql(GOING)} ORDER BY id) AS jobs,
  ARRAY(SELECT j.id FROM job j WHERE j.state = 'running' AND EXISTS (
    SELECT 1 FROM request WHERE job_id = j.id AND state = 'pending' AND lane = 'live') ORDER BY j.id) AS live_jobs,
  ARRAY(SELECT id FROM provider_batch
    WHERE next_at IS NOT NULL AND (tries = 0 OR next_at <= now()) ORDER BY id) AS batches,
  EXISTS (SELECT 1 FROM request WHERE state = 'answered') AS answered
"""


def finish_jobs() -> None:
    """End the jobs that are done. A process that derives at the same time may have ended before it came to this."""
    with db.transaction(everywhere=True) as session:
        for row in db.rows(
            session, "SELECT id FROM job WHERE state IN ('running', 'paused', 'cancelling') ORDER BY id"
        ):
            finishing.finish_if_done(session, row.id)


def troubles(batch_ids: Sequence[str]) -> list[str]:
    """What went wrong with these batches, a line each. A batch in reconciliation and a full queue are left out: both
    end by themselves."""
    with db.transaction(everywhere=True) as session:
        found = db.rows(session, TROUBLES, ids=list(batch_ids))
    return [f"batch {row.id} of job {row.job_id}: {row.error}" for row in found]


TROUBLES = """
SELECT b.id, b.job_id, b.error FROM provider_batch b JOIN job j ON j.id = b.job_id
WHERE b.id = ANY(:ids) AND b.error IS NOT NULL AND (b.tries > 0 OR b.next_at IS NULL)
  AND b.state <> 'absent' AND NOT (b.state = 'failed' AND coalesce(j.waits_until > now(), false))
ORDER BY b.id
"""


def newest_task() -> int:
    with db.transaction(everywhere=True) as session:
        return queue.newest(session)


def forget_tasks(newest: int) -> None:
    """Delete the tasks that were queued when the round began: it has done their work, and without a jobs process they
    would stay for ever."""
    with db.transaction(everywhere=True) as session:
        queue.forget(session, newest)
