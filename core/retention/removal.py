"""Remove documents and jobs that a retention rule no longer keeps, block by block, as if a person had deleted them.

A block is one transaction, with its audit entry, so a run that dies has removed and recorded whole blocks; the next run
goes on. Rows that another transaction locks are left to the next run. The rule is read and locked for each block: one
that is switched off removes nothing more.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from core.access import audit
from core.documents import deletion as documents_deletion
from core.environment import get_settings
from core.insight_base import text_groups
from core.jobs import deletion as jobs_deletion
from core.retention import rules
from core.retention.report import OLD, which
from core.retention.rules import GRACE, KINDS, Kind, RetentionRule
from core.runtime import db
from core.runtime.ids import new_id

log = structlog.get_logger()


def run(at: datetime) -> None:
    """One run, by the leader. Requests in flight are cancelled with their document, as deleting does."""
    for kind in KINDS:
        run_id, counts = new_id("run"), Counter[str]()
        while removed := _remove_block(kind, run_id, at):
            counts.update(removed)
        if counts:
            log.info("removed what is kept no longer", kind=kind, **counts)


def _remove_block(kind: Kind, run_id: str, at: datetime) -> dict[str, int] | None:
    """How many of what were removed; None when there is nothing left to remove."""
    task = TASKS[kind]
    with db.transaction(everywhere=True) as session:
        db.bound_lock_waits(session, get_settings().worker_lease_seconds)
        if kind == "documents":
            text_groups.lock(session)
        rule = _standing(session, kind, at)
        due = [] if rule is None else _lock_old(session, kind, rule, at)
        if rule is None or not due:
            return None
        counts = task.remove(session, due)
        _write_down(session, kind, run_id, rule, counts)
        return counts


def _standing(session: Session, kind: Kind, at: datetime) -> RetentionRule | None:
    """The stored rule, locked until this transaction ends. None: there is none, it is younger than GRACE, or the
    environment locks the settings."""
    if get_settings().settings_locked:
        return None
    sql = "SELECT value FROM setting WHERE name = :name AND changed_at <= :before FOR SHARE"
    found = db.row(session, sql, name=rules.name(kind), before=at - GRACE)
    return None if found is None else rules.of(found.value)


def _lock_old(session: Session, kind: Kind, rule: RetentionRule, at: datetime) -> list[str]:
    found = db.rows(session, DUE.format(old=OLD[kind]), **which(kind, rule, at), limit=TASKS[kind].block)
    return [row.id for row in found]


def _remove_documents(session: Session, ids: Sequence[str]) -> dict[str, int]:
    return asdict(documents_deletion.remove(session, ids))


def _remove_jobs(session: Session, ids: Sequence[str]) -> dict[str, int]:
    return {"jobs": len(ids), **asdict(jobs_deletion.remove(session, ids))}


def _write_down(session: Session, kind: Kind, run: str, rule: RetentionRule, counts: Mapping[str, int]) -> None:
    after = {"run": run, "days": rule.days, **counts}
    audit.write(session, "retention.run", rules.RETENTION, kind, after=after, of_machine=True)


DUE = "SELECT old.id FROM {old} ORDER BY old.id LIMIT :limit FOR UPDATE OF old SKIP LOCKED"


@dataclass(frozen=True)
class Task:
    block: int
    remove: Callable[[Session, Sequence[str]], dict[str, int]]


TASKS: dict[Kind, Task] = {
    "documents": Task(50, _remove_documents),
    # A job may have many thousands of requests.
    "jobs": Task(5, _remove_jobs),
}
