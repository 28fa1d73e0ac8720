"""Pause, resume, cancel and rename a job."""

import structlog
from sqlmodel import Session

from core.access.roles import require
from core.batch import release
from core.budgets import admission, expected
from core.errors import Conflict, InvalidInput, NotFound
from core.requests import events, finishing
from core.requests import waiting as requests_waiting
from core.runtime import correlation, db, queue
from core.runtime.text import bounded
from core.tables.jobs import GOING, MOVABLE, Job

log = structlog.get_logger()
NAME_CHARACTERS, DESCRIPTION_CHARACTERS = 200, 2000


def pause(job_id: str) -> None:
    """Send nothing more. Requests at the provider go on there, and their answers are kept. Raises Conflict."""
    with db.transaction() as session:
        job = changeable(session, job_id)
        if job.state == "paused":
            return
        if job.state not in GOING:
            raise Conflict(f"A job that is {job.state} cannot be paused.")
        job.state = "paused"
        session.flush()
        release.dissolve(session, job_id)
        events.note(session, job_id, "paused", "Paused: nothing more is sent.")


def resume(job_id: str) -> None:
    """Go on with a paused job, and release the requests behind its canary. Raises Conflict.

    One for which no budget has room stays paused, and goes on by itself once one has.
    """
    with db.transaction() as session:
        job = changeable(session, job_id)
        if job.state in GOING:
            return
        if job.state != "paused":
            raise Conflict(f"A job that is {job.state} cannot be resumed.")
        rest = "" if requests_waiting.kind_of(job) == "budget" else _release_canary(session, job)
        set_going(job)
        if admission.go_on(session, job, expected.of_rest(session, job, at := db.now(session)), at):
            events.note(session, job_id, "resumed", f"Resumed.{rest}")


def _release_canary(session: Session, job: Job) -> str:
    """What to say of it."""
    job.canary = 0
    session.flush()
    released = db.execute(session, RELEASE_CANARY, job=job.id)
    return f" {released:,} requests are released." if released else ""


# Merges stay held until their parts are answered.
RELEASE_CANARY = """
UPDATE request r SET state = 'pending' WHERE r.job_id = :job AND r.state = 'held'
  AND NOT EXISTS (SELECT 1 FROM request part WHERE part.merge_id = r.id)
"""


def cancel(job_id: str) -> None:
    """Send nothing more. Calls under way end, and their answers are kept and billed. An ended job stays as it is."""
    with db.transaction() as session:
        job = changeable(session, job_id)
        if job.state not in ("draft", *MOVABLE):
            return
        job.state = "cancelling"
        session.flush()
        db.execute(
            session,
            """UPDATE request SET state = 'cancelled', finished_at = now()
               WHERE job_id = :job AND state IN ('pending', 'held')""",
            job=job_id,
        )
        db.execute(session, "DELETE FROM job_document WHERE job_id = :job AND NOT expanded", job=job_id)
        release.dissolve(session, job_id)
        for row in db.rows(session, CANCEL_BATCHES, job=job_id):
            queue.defer(session, "advance_batch", batch_id=row.id)
        events.note(session, job_id, "cancelling", "Cancelled: nothing more is sent.")
        finishing.finish_if_done(session, job_id)


CANCEL_BATCHES = """
UPDATE provider_batch SET cancel_requested = true, next_at = now() WHERE job_id = :job AND next_at IS NOT NULL
RETURNING id
"""


def rename(job_id: str, name: str, description: str) -> None:
    if not name.strip():
        raise InvalidInput("Give the job a name.")
    check_words(name, description)
    with db.transaction() as session:
        job = changeable(session, job_id)
        job.name, job.description = name.strip(), description


def check_words(name: str, description: str) -> None:
    """Raises InvalidInput for a name or description that is too long."""
    bounded(name, "A job's name", NAME_CHARACTERS)
    bounded(description, "A job's description", DESCRIPTION_CHARACTERS)


def set_going(job: Job) -> None:
    """Put the current correlation id on the job: its next calls come from this click or API call."""
    job.correlation_id = correlation.current() or job.correlation_id
    log.info("job set going", job=job.id)


def changeable(session: Session, job_id: str, *, whole: bool = False) -> Job:
    """As `locked`, for those who may change this job. Raises NotFound, Forbidden."""
    job = locked(session, job_id, whole=whole)
    require("job.change", job.user)
    return job


def locked(session: Session, job_id: str, *, whole: bool = False) -> Job:
    """The job, locked against other changes; with `whole`, also against making and claiming its requests.

    Raises NotFound.
    """
    job = db.within(session, Job, job_id, lock="update" if whole else "no key update")
    if job is None:
        raise NotFound(f"There is no job {job_id}. It may have been deleted.")
    return job
