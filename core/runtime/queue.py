"""Defer a task by name inside the caller's transaction: the task exists if and only if the rows do.

The bodies of these tasks are registered in `jobs/`. Rows are the truth and a task is only a nudge. A task that is lost
or runs twice costs a round trip, because the scheduler's tick defers again what is due by its rows.
"""

from functools import lru_cache
from typing import Literal

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from sqlmodel import Session

from core.errors import Unavailable
from core.runtime import correlation, db

TaskName = Literal[
    "extract_document",
    "expand_job",
    "pump_job",
    "advance_batch",
    "derive",
    "recheck_quotes",
    "read_again",
    "compare_insights",
    "renew_insights",
    "read_verdicts",
    "fetch_invoices",
]
DOCUMENTS, JOBS = "documents", "jobs"
# A queue worker without a heartbeat for this long is dead. One that is only busy must not lose its tasks, and there is
# no hurry: the rows that a task points to make it due again.
GONE_SECONDS = 60.0
QUEUE_OF: dict[TaskName, str] = {
    "extract_document": DOCUMENTS,
    "expand_job": JOBS,
    "pump_job": JOBS,
    "advance_batch": JOBS,
    "derive": JOBS,
    "recheck_quotes": DOCUMENTS,
    "read_again": DOCUMENTS,
    "compare_insights": DOCUMENTS,
    "renew_insights": DOCUMENTS,
    "read_verdicts": DOCUMENTS,
    "fetch_invoices": DOCUMENTS,
}


@lru_cache(maxsize=1)
def _deferrer() -> procrastinate.App:
    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def newest(session: Session) -> int:
    """The highest id of a task; 0 where there is none."""
    found: int = db.scalar(session, "SELECT coalesce(max(id), 0) FROM procrastinate_jobs")
    return found


def forget(session: Session, newest: int) -> None:
    """Delete queued tasks with id <= newest: this round has already looked at the rows they point to."""
    db.execute(session, "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND id <= :newest", newest=newest)


def defer(session: Session, task: TaskName, **arguments: str) -> None:
    """At most one task of this name and arguments is queued at a time; a second one is dropped.

    It carries the current correlation id. Raises Unavailable.
    """
    lock = ":".join([task, *arguments.values()])
    connection = db.driver_connection(session)
    try:
        # A violated queueing lock poisons the transaction it happens in, so it happens in a savepoint.
        with session.begin_nested():
            session.connection()
            _deferrer().configure_task(
                task, queue=QUEUE_OF[task], queueing_lock=lock, connection=connection, allow_unknown=True
            ).defer(**arguments, correlation_id=correlation.current())
    except AlreadyEnqueued:
        return
    except ConnectorException as error:
        raise Unavailable("The queue cannot be reached at the moment. Nothing was changed; try again.") from error
