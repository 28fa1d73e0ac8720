"""A job's canary: which of its requests go first, live, while the rest is held until a person has seen the answers."""

from collections.abc import Sequence

from sqlmodel import Session

from core.runtime import db


def choose(session: Session, job_id: str, documents: Sequence[str]) -> None:
    """These documents of the job go first (core.requests.expansion.typical)."""
    db.execute(session, CHOOSE, job=job_id, documents=list(documents))


CHOOSE = "UPDATE job_document SET canary = true WHERE job_id = :job AND document_id = ANY(:documents)"


def hold_the_rest(session: Session, job_id: str, number: int) -> None:
    """Send the requests about the chosen documents live, and hold the others. Safe to repeat as requests are made.

    Where no documents were chosen: of custom requests `number` typical ones, by their length; else the first.
    """
    if db.scalar(session, "SELECT 1 FROM job_document WHERE job_id = :job AND canary LIMIT 1", job=job_id):
        first = OF_DOCUMENTS
    else:
        own = db.scalar(session, OWN, job=job_id)
        first = TYPICAL if own else EARLIEST
    values = {} if first is OF_DOCUMENTS else {"number": number}
    for statement in (GO_LIVE, HOLD):
        db.execute(session, statement.format(first=first), job=job_id, **values)


OWN = "SELECT template_id IS NULL FROM job WHERE id = :job AND workspace_id = :workspace"
OF_DOCUMENTS = """SELECT q.id FROM job_document d
  JOIN request q ON q.job_id = d.job_id AND q.document_id = d.document_id WHERE d.job_id = :job AND d.canary"""
# As core.requests.expansion.TYPICAL. All of them are there before any goes out, so that they are the same each time.
TYPICAL = """SELECT q.id FROM (
    SELECT id, row_number() OVER (ORDER BY input_tokens, id) - 1 AS place, count(*) OVER () AS n
    FROM request WHERE job_id = :job AND NOT reused) q
  WHERE q.n <= :number
    OR (2 * floor((2.0 * :number * (q.place + 1) - q.n) / (2 * q.n)) + 1) * q.n > 2.0 * :number * q.place"""
EARLIEST = "SELECT q.id FROM request q WHERE q.job_id = :job AND q.state <> 'held' ORDER BY q.id LIMIT :number"

GO_LIVE = "UPDATE request SET lane = 'live' WHERE job_id = :job AND state = 'pending' AND id IN ({first})"
HOLD = """
UPDATE request r SET state = 'held' WHERE r.job_id = :job AND r.state = 'pending' AND r.id NOT IN ({first})
  AND NOT EXISTS (SELECT 1 FROM request part WHERE part.merge_id = r.id)
"""
