"""What one round of everything finds to do, and what went wrong in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.requests import finishing
from core.runtime import db, queue
from core.tables.jobs import GOING, in_sql


@dataclass(frozen=True)
class Open:
    """Ids. `live_jobs` have live requests that wait; `answered` tells of answers that are not derived yet."""

    documents: Sequence[str]
    jobs: Sequence[str]
    live_jobs: Sequence[str]
    batches: Sequence[str]
    answered: bool


def what_is_open() -> Open:
    with db.transaction() as session:
        found = db.row(session, OPEN)
    assert found is not None
    return Open(**found._mapping)


# Batches are looked at before they are due as well, but not those that wait because something went wrong.
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
    """End the jobs that are through: who derives at the same time may end before it has come to that."""
    with db.transaction() as session:
        for row in db.rows(
            session, "SELECT id FROM job WHERE state IN ('running', 'paused', 'cancelling') ORDER BY id"
        ):
            finishing.finish_if_done(session, row.id)


def troubles(batch_ids: Sequence[str]) -> list[str]:
    """What went wrong with these batches. One that is being settled, and a full queue, end by themselves."""
    with db.transaction() as session:
        found = db.rows(session, TROUBLES, ids=list(batch_ids))
    return [f"batch {row.id} of job {row.job_id}: {row.error}" for row in found]


TROUBLES = """
SELECT b.id, b.job_id, b.error FROM provider_batch b JOIN job j ON j.id = b.job_id
WHERE b.id = ANY(:ids) AND b.error IS NOT NULL AND (b.tries > 0 OR b.next_at IS NULL)
  AND b.state <> 'absent' AND NOT (b.state = 'failed' AND coalesce(j.waits_until > now(), false))
ORDER BY b.id
"""


def newest_task() -> int:
    with db.transaction() as session:
        return queue.newest(session)


def forget_tasks(newest: int) -> None:
    """Of what the queue held as a round began nothing is left to do, and nobody else may ever take it out."""
    with db.transaction() as session:
        queue.forget(session, newest)
