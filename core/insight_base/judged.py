"""What a judge was asked of statements that are deleted: none of their words stays in its requests and answers."""

from collections.abc import Sequence

from sqlmodel import Session

from core.runtime import db
from core.tables.jobs import JUDGE


def forget(session: Session, insight_ids: Sequence[str]) -> None:
    """Of insights that go. The caller has locked them. Open requests that hold one of them are cancelled: their other
    pairs can be asked again."""
    prints = [row.fingerprint for row in db.rows(session, ASKED, ids=list(insight_ids))]
    if not prints:
        return
    requests = [row.id for row in db.rows(session, REQUESTS, prints=prints, judge=JUDGE)]
    for statement in (CANCEL, DELETE_BODIES, DELETE_RESPONSES):
        db.execute(session, statement, requests=requests)
    db.execute(session, FORGET_WORDS, ids=list(insight_ids))


# Without an index: these rows are few, and a deletion is rare.
ASKED = """
SELECT DISTINCT r.fingerprint FROM judged_pair q JOIN request r ON r.id = q.request_id
WHERE q.a = ANY(:ids) OR q.b = ANY(:ids)
"""
# With those that ask other pairs of the same request again.
REQUESTS = """
SELECT r.id FROM request r JOIN job j ON j.id = r.job_id
WHERE j.template_id = :judge AND r.fingerprint = ANY(:prints) ORDER BY r.id
"""
CANCEL = """
UPDATE request SET state = 'cancelled', finished_at = now(), worker_id = NULL
WHERE id = ANY(:requests) AND state IN ('held', 'pending', 'in_flight', 'answered')
"""
DELETE_BODIES = "DELETE FROM request_body WHERE request_id = ANY(:requests)"
DELETE_RESPONSES = """
DELETE FROM response WHERE request_id = ANY(:requests)
  OR id IN (SELECT response_id FROM request WHERE id = ANY(:requests))
"""
FORGET_WORDS = "UPDATE judged_pair SET grounds = NULL, fingerprint = '' WHERE a = ANY(:ids) OR b = ANY(:ids)"
