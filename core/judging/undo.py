"""Take back all verdicts of a judge as one: its merges are undone, and its pairs are open again."""

from dataclasses import dataclass

from core.access import audit
from core.access.roles import require
from core.errors import Conflict, NotFound
from core.insight_base import consequences, locks
from core.insights import merging, reopening
from core.runtime import db
from core.tables.jobs import ACTIVE, JUDGE


@dataclass(frozen=True)
class Undone:
    """`reopened`: how many pairs; `restored`: insights that are on their own again. Both are empty the second time."""

    reopened: int
    restored: tuple[str, ...]


def undo(job_id: str) -> Undone:
    """What a person has settled or taken back since stays so. Raises NotFound, or Conflict while the job is at work.

    Also where the job itself is deleted.
    """
    require("insight.change")
    with db.transaction() as session:
        theirs = db.rows(session, THEIRS, job=job_id)
        state = db.scalar(session, STATE, job=job_id, judge=JUDGE)
        if state is None and not theirs:
            raise NotFound(f"There is no judge's job {job_id}.")
        if state in ACTIVE:
            raise Conflict("This job is still at work. Cancel it or wait until it has ended, then undo its verdicts.")
        locks.lock_around(session, [side for row in theirs for side in (row.first, row.second)])
        # Only now does nobody else settle them or take them back.
        theirs = db.rows(session, THEIRS + " FOR UPDATE OF p", job=job_id)
        restored = merging.unmerge_all_within(session, [row.merge_id for row in theirs if row.merge_id]).restored
        others = [row for row in theirs if not row.merge_id]
        # Also where of a merge nothing is left to be undone.
        reopening.of_pairs(session, [row.id for row in theirs])
        consequences.of_change(session, [side for row in others for side in (row.first, row.second)])
        reopening.note(session, others)
        if theirs:
            said = {"job": job_id, "reopened": len(theirs), "restored": len(restored)}
            audit.write(session, "insight.unmerge", "judge", job_id, after=said)
    return Undone(len(theirs), restored)


THEIRS = """
SELECT p.id, p.first, p.second, p.verdict, p.proposed_as, p.merge_id, coalesce(f.head_id, f.id) AS a,
  coalesce(s.head_id, s.id) AS b
FROM pair p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
WHERE p.judged_in = :job AND p.state = 'settled' AND p.workspace_id = :workspace ORDER BY p.id
"""
STATE = "SELECT state FROM job WHERE id = :job AND template_id = :judge AND workspace_id = :workspace"
