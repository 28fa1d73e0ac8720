"""Take requests out of a batch that never ran: they go back to pending, or they fail."""

from sqlmodel import Session

from core.runtime import db
from core.tables.batches import ProviderBatch
from core.tables.jobs import CANCELLED, in_sql


def give_back(session: Session, batch_ids: list[str]) -> None:
    """Requests that certainly did not run are pending again; those of a cancelled job are cancelled."""
    db.execute(session, GIVE_BACK, batches=batch_ids)


GIVE_BACK = f"""
UPDATE request r SET provider_batch_id = NULL,
  state = CASE WHEN j.state IN {in_sql(CANCELLED)} THEN 'cancelled' ELSE 'pending' END,
  finished_at = CASE WHEN j.state IN {in_sql(CANCELLED)} THEN now() END
FROM job j WHERE j.id = r.job_id AND r.provider_batch_id = ANY(:batches) AND r.state = 'in_flight'
"""


def fail(session: Session, batch: ProviderBatch, code: str, message: str) -> None:
    """The provider refused the batch: its requests fail with the reason."""
    db.execute(session, FAIL, batch=batch.id, code=code, message=message)


FAIL = """
UPDATE request SET state = 'failed', error_code = :code, error_message = :message, finished_at = now()
WHERE provider_batch_id = :batch AND state = 'in_flight'
"""


def dissolve(session: Session, job_id: str) -> None:
    """End the batches that were not handed over yet; a worker that is preparing one loses its lease."""
    ids = [row.id for row in db.rows(session, DISSOLVE, job=job_id)]
    if ids:
        give_back(session, ids)


DISSOLVE = """
UPDATE provider_batch SET state = 'cancelled', epoch = epoch + 1, worker_id = NULL, next_at = NULL, ended_at = now()
WHERE job_id = :job AND state = 'preparing' RETURNING id
"""
