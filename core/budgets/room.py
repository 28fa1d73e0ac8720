"""Budgets that have room again: the jobs that wait for them go on, those first that wait longest."""

from datetime import datetime

import structlog

from core.budgets import admission, expected
from core.errors import CairnError
from core.requests import waiting
from core.runtime import db
from core.tables.jobs import Job

log = structlog.get_logger()


def go_on_where_there_is_room(at: datetime) -> None:
    """By the leader, at each tick. A month has begun, a limit was raised, or a job ended below what it held."""
    with db.transaction(everywhere=True) as session:
        ids = [row.id for row in db.rows(session, WAITING)]
    for job_id in ids:
        try:
            _go_on(job_id, at)
        except (CairnError, LookupError) as error:
            # One job, such as of a provider that this process does not know, must not hold up the others or the tick.
            log.warning("a job that waits for a budget could not be looked at", job=job_id, reason=str(error))


def _go_on(job_id: str, at: datetime) -> None:
    with db.transaction(everywhere=True) as session:
        # Who holds the job decides on it, or a batch's answers are being kept: the next tick looks again.
        job = session.get(Job, job_id, with_for_update={"key_share": True, "skip_locked": True})
        if job is not None and job.state == "paused" and waiting.kind_of(job) == "budget":
            admission.go_on(session, job, expected.of_rest(session, job, at), at)


WAITING = """
SELECT id FROM job WHERE state = 'paused' AND waits_for ->> 'kind' = 'budget' ORDER BY id LIMIT 200
"""
