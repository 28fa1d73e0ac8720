"""The end of a job: completed, cancelled, or paused behind its canary."""

from sqlmodel import Session

from core.requests import events, merges
from core.runtime import db
from core.tables.jobs import ACTIVE, JUDGE, in_sql


def finish_if_done(session: Session, job_id: str) -> bool:
    """End a job when all its requests have ended, or pause it when its canary has. Returns whether the job ended.

    Safe to call at any time.
    """
    ended = db.row(session, FINISH, job=job_id)
    if ended is None and merges.decide_rest(session, job_id):
        ended = db.row(session, FINISH, job=job_id)
    if ended is not None:
        events.note(session, job_id, ended.state, f"The job is {ended.state}.")
        return True
    if db.execute(session, PAUSE_AFTER_CANARY, job=job_id):
        events.note(
            session, job_id, "canary", "The canary is through: look at its answers, then release or drop the rest."
        )
    return False


FINISH = f"""
UPDATE job j SET state = CASE WHEN state = 'cancelling' THEN 'cancelled' ELSE 'completed' END, finished_at = now(),
  waits_for = NULL
WHERE j.id = :job AND j.state IN {in_sql(ACTIVE)}
  AND NOT EXISTS (SELECT 1 FROM request r
                  WHERE r.job_id = j.id AND r.state IN ('held', 'pending', 'in_flight', 'answered'))
  AND NOT EXISTS (SELECT 1 FROM job_document d JOIN document x ON x.id = d.document_id
                  WHERE d.job_id = j.id AND NOT d.expanded)
  AND NOT (j.template_id IS NOT DISTINCT FROM '{JUDGE}' AND EXISTS (
    SELECT 1 FROM request r JOIN judged_pair q ON q.request_id = r.id
    WHERE r.job_id = j.id AND r.state = 'succeeded' AND q.outcome IS NULL))
RETURNING state
"""

PAUSE_AFTER_CANARY = """
UPDATE job j SET state = 'paused'
WHERE j.id = :job AND j.state = 'running' AND j.canary > 0
  AND NOT EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state IN ('pending', 'in_flight', 'answered'))
  AND EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state = 'held')
  AND NOT EXISTS (SELECT 1 FROM job_document d WHERE d.job_id = j.id AND d.canary AND NOT d.expanded)
"""
