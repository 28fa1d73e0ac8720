"""Merge insights by hand or by a judge, and undo it.

Merging moves nothing: the merged insight stays as it was, with its evidence, tags and state, and points to its head.
The merges that hold are the active rows of `merged`, a forest: each insight goes into at most one other, and only heads
are merged, so an insight's head is the root of its tree, and undoing any merge at any time cuts one tree in two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row
from sqlmodel import Session

from core.access import actor, audit
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound
from core.insight_base import consequences, locks, tree
from core.insights import history, reopening
from core.insights.history import Side
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.paging import Page, checked_limit, cut, place
from core.statements import keys
from core.statements.canonical import Canonical, canonical
from core.statements.differences import Difference, Reason, differences, refuses
from core.tables.insights import FoundBy

MOST_AT_ONCE = 100


class MergeBlocked(Conflict):
    """These statements differ in what matters. Look at the words that differ; force the merge if they say the same."""

    code = "MERGE_BLOCKED"


class Worded(Protocol):
    """An insight, as what it says."""

    @property
    def id(self) -> str: ...
    @property
    def statement(self) -> str: ...
    @property
    def language(self) -> str | None: ...
    @property
    def question(self) -> str | None: ...


@dataclass(frozen=True)
class Candidate:
    """An insight that would go into the head: how its words differ, and why that is refused unless forced.

    `question`: it answers another question, and is never merged.
    """

    id: str
    statement: str
    differs: tuple[Difference, ...]
    reasons: tuple[Reason, ...]
    other_question: bool

    @property
    def blocks(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True)
class Preview:
    """What a merge would do. `candidates` are heads that are not yet in `into`'s; none: there is nothing to merge."""

    into: str
    statement: str
    candidates: tuple[Candidate, ...]
    support_before: int
    support_after: int


@dataclass(frozen=True)
class Merge:
    """`id` is None where nothing was merged."""

    id: str | None
    into: str
    support_before: int
    support_after: int


@dataclass(frozen=True)
class Unmerged:
    """`restored`: the insights that went into another and are on their own again; none where they already were."""

    restored: tuple[str, ...]


@dataclass(frozen=True)
class MergeRow:
    id: str
    head: str
    members: list[str]
    found_by: str
    actor: str
    time: datetime
    undone_at: datetime | None


def preview(into: str, ids: Sequence[str]) -> Preview:
    """Raises NotFound, InvalidInput."""
    with db.reading() as session:
        return _preview(session, into, ids)


def compared(into: Worded, others: Iterable[Worded]) -> dict[str, Candidate]:
    """Heads as what would go into another one, by their ids."""
    form = _form(into)
    return {one.id: _candidate(into, form, one) for one in others}


def merge(
    into: str, ids: Sequence[str], *, force: bool = False, found_by: FoundBy = "person", dry_run: bool = False
) -> Merge:
    """Merge into `into`'s head the heads of `ids`, or tell what that would do. Raises MergeBlocked unless forced,
    NotFound, InvalidInput."""
    if not dry_run:
        require("insight.change")
    with db.transaction() as session:
        if dry_run:
            planned = _preview(session, into, ids)
            _refuse(planned, force)
            return Merge(None, planned.into, planned.support_before, planned.support_after)
        return merge_within(session, into, ids, force=force, found_by=found_by)


def merge_within(
    session: Session, into: str, ids: Sequence[str], *, force: bool = False, found_by: FoundBy = "person"
) -> Merge:
    """The same inside the caller's transaction, which has changed no insight yet, or has locked all that it will
    change (`locks.lock_around`)."""
    locks.lock_around(session, [into, *ids])
    planned = _preview(session, into, ids)
    _refuse(planned, force)
    members = [one.id for one in planned.candidates]
    if not members:
        return Merge(None, planned.into, planned.support_before, planned.support_before)
    merge_id = new_id("mrg")
    db.execute(session, WRITE_MERGE, merge=merge_id, into=planned.into, found_by=found_by, actor=actor.current())
    db.execute(session, WRITE_MERGED, merge=merge_id, into=planned.into, members=members)
    db.execute(session, POINT_TO_HEAD, into=planned.into, members=members)
    consequences.of_change(session, [planned.into, *members])
    entries: list[tuple[str, Side, Side]] = [(planned.into, {}, {"merged": members, "merge": merge_id})]
    entries += [(one, {"merged_into": None}, {"merged_into": planned.into, "merge": merge_id}) for one in members]
    change = history.new_change()
    history.note(session, change, "merge", entries)
    said = {"change": change, "merge": merge_id, "into": planned.into, "merged": len(members), "forced": force}
    audit.write(session, "insight.merge", "insights", after=said)
    after = db.scalar(session, "SELECT support FROM insight WHERE id = :id", id=planned.into)
    return Merge(merge_id, planned.into, planned.support_before, after)


WRITE_MERGE = """
INSERT INTO merge (id, workspace_id, into_id, found_by, actor) VALUES (:merge, :workspace, :into, :found_by, :actor)
"""
WRITE_MERGED = """
INSERT INTO merged (merge_id, insight_id, into_id) SELECT :merge, unnest(CAST(:members AS text[])), :into
"""
# With what was merged into the members before: one step deep.
POINT_TO_HEAD = "UPDATE insight SET head_id = :into WHERE id = ANY(:members) OR head_id = ANY(:members)"


def _refuse(planned: Preview, force: bool) -> None:
    other = [one for one in planned.candidates if one.other_question]
    if other:
        raise InvalidInput(
            "These insights answer different questions, so they cannot be one: "
            + "; ".join(f"“{one[:80]}”" for one in (planned.statement, *(each.statement for each in other)))
        )
    blocked = [one for one in planned.candidates if one.blocks]
    if blocked and not force:
        refusal = MergeBlocked(
            f"{len(blocked)} of these statements differ from “{planned.statement[:80]}” in "
            f"{', '.join(sorted({reason for one in blocked for reason in one.reasons}))}. "
            "Look at the words that differ; merge all the same (force) if they say the same."
        )
        refusal.detail = [{"id": one.id, "differs": [as_json(each) for each in one.differs]} for one in blocked]
        raise refusal


def as_json(one: Difference) -> dict[str, str]:
    return {"class": one.kind, "a": one.a, "b": one.b}


def _preview(session: Session, into: str, ids: Sequence[str]) -> Preview:
    if not 1 <= len(set(ids)) <= MOST_AT_ONCE:
        raise InvalidInput(f"Name 1 to {MOST_AT_ONCE} insights to merge.")
    found = {row.asked: row for row in db.rows(session, HEADS, ids=sorted({into, *ids}))}
    for one in (into, *ids):
        if one not in found:
            raise NotFound(f"There is no insight {one}. Its last evidence may have been deleted.")
    head = found[into]
    members = {found[one].id: found[one] for one in ids if found[one].id != head.id}
    after = db.scalar(session, SUPPORT_OF_ALL, ids=[head.id, *members])
    return Preview(head.id, head.statement, tuple(compared(head, members.values()).values()), head.support, after)


HEADS = """
SELECT a.id AS asked, h.id, h.statement, h.language, h.question, h.support
FROM insight a JOIN insight h ON h.id = CASE WHEN a.head_id IS NULL THEN a.id ELSE a.head_id END
WHERE a.id = ANY(:ids) AND a.workspace_id = :workspace
"""
SUPPORT_OF_ALL = f"""
SELECT count(DISTINCT coalesce(d.text_group, d.id))
FROM ({tree.OUR_MEMBERS}) m JOIN evidence e ON e.insight_id = m.member AND e.supported
JOIN document d ON d.id = e.document_id AND d.workspace_id = :workspace
"""


def _form(row: Worded) -> Canonical:
    return canonical(row.statement, row.language)


def _candidate(head: Worded, form: Canonical, row: Worded) -> Candidate:
    other = _form(row)
    return Candidate(
        row.id,
        row.statement,
        differences(form, other),
        refuses(form, other),
        not keys.same_question(head.question, row.question),
    )


def unmerge(*, merge_id: str | None = None, insight_id: str | None = None) -> Unmerged:
    """Undo a whole merge, or take one insight out of the one it went into. Undone already: nothing changes.

    Raises NotFound for what never was.
    """
    require("insight.change")
    with db.transaction() as session:
        return unmerge_within(session, merge_id=merge_id, insight_id=insight_id)


def unmerge_within(session: Session, *, merge_id: str | None = None, insight_id: str | None = None) -> Unmerged:
    """The same inside the caller's transaction, which has changed no insight yet, or has locked all that it will
    change (`locks.lock_around`)."""
    merges = [] if merge_id is None else [merge_id]
    if not _edges(session, merges, insight_id) and not db.scalar(session, KNOWN, merge=merge_id, insight=insight_id):
        raise NotFound(f"There is no merge {merge_id}." if merge_id else f"There is no insight {insight_id}.")
    return _unmerge(session, merges, insight_id)


def unmerge_all_within(session: Session, merges: Sequence[str]) -> Unmerged:
    """Whole merges, as one change."""
    return _unmerge(session, merges, None)


def _unmerge(session: Session, merges: Sequence[str], insight_id: str | None) -> Unmerged:
    locked = set(locks.lock_around(session, [row.insight_id for row in _edges(session, merges, insight_id)]))
    # Only now does nobody else undo them. What somebody merged since is not locked, and comes after this.
    edges = [row for row in _edges(session, merges, insight_id) if row.active and row.insight_id in locked]
    if not edges:
        return Unmerged(())
    trees = [row.id for row in db.rows(session, TREES, ids=[row.insight_id for row in edges])]
    restored = sorted(row.insight_id for row in edges)
    merges = sorted({row.merge_id for row in edges})
    db.execute(session, CUT, insights=restored, merges=merges)
    db.execute(session, END_MERGES, merges=merges)
    db.execute(session, HEADS_AGAIN, ids=trees)
    # The verdict that made a merge goes with it.
    reopened = reopening.of_merges(session, merges)
    _note_unmerge(session, edges, reopened)
    consequences.of_change(session, trees)
    return Unmerged(tuple(restored))


def _note_unmerge(session: Session, edges: Sequence[Row[Any]], reopened: int) -> None:
    entries: list[tuple[str, Side, Side]] = [
        (row.insight_id, {"merged_into": row.into_id, "merge": row.merge_id}, {"merged_into": None}) for row in edges
    ]
    for into, merge_id in sorted({(row.into_id, row.merge_id) for row in edges}):
        members = [row.insight_id for row in edges if row.into_id == into]
        entries.append((into, {"merged": members, "merge": merge_id}, {"merged": []}))
    change = history.new_change()
    history.note(session, change, "unmerge", entries)
    merges = sorted({row.merge_id for row in edges})
    said = {"change": change, "merges": merges, "restored": len(edges), "reopened": reopened}
    audit.write(session, "insight.unmerge", "insights", after=said)


def _edges(session: Session, merges: Sequence[str], insight_id: str | None) -> list[Row[Any]]:
    return db.rows(session, EDGES, merges=list(merges), insight=insight_id)


# Of an insight its newest: the one that holds, where one does.
EDGES = """
SELECT g.merge_id, g.insight_id, g.into_id, g.active FROM merged g JOIN merge m ON m.id = g.merge_id
WHERE (g.merge_id = ANY(:merges) OR g.insight_id = :insight AND g.active) AND m.workspace_id = :workspace
ORDER BY g.insight_id
"""
KNOWN = """
SELECT 1 FROM merge WHERE id = :merge AND workspace_id = :workspace
UNION ALL SELECT 1 FROM insight WHERE id = :insight AND workspace_id = :workspace
"""
# All insights of the trees that these stand in.
TREES = """
WITH heads AS (SELECT DISTINCT coalesce(head_id, id) AS id FROM insight WHERE id = ANY(:ids))
SELECT id FROM heads UNION SELECT i.id FROM insight i JOIN heads h ON i.head_id = h.id
"""
CUT = "UPDATE merged SET active = false WHERE insight_id = ANY(:insights) AND merge_id = ANY(:merges)"
END_MERGES = """
UPDATE merge m SET undone_at = now() WHERE id = ANY(:merges) AND undone_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM merged g WHERE g.merge_id = m.id AND g.active)
"""
HEADS_AGAIN = """
WITH RECURSIVE tree AS (
  SELECT i.id, i.id AS root FROM insight i WHERE i.id = ANY(:ids)
    AND NOT EXISTS (SELECT 1 FROM merged g WHERE g.insight_id = i.id AND g.active)
  UNION ALL
  SELECT g.insight_id, t.root FROM merged g JOIN tree t ON g.into_id = t.id WHERE g.active
)
UPDATE insight i SET head_id = nullif(t.root, t.id) FROM tree t
WHERE t.id = i.id AND i.head_id IS DISTINCT FROM nullif(t.root, t.id)
"""


def merges(
    *, insight: str | None = None, undone: bool | None = None, limit: int = 100, cursor: str | None = None
) -> Page[MergeRow]:
    """Newest first; `insight`: those that it took part in, on either side."""
    checked_limit(limit)
    after = place(cursor, "merges")
    with db.reading() as session:
        found = db.rows(session, MERGES, insight=insight, undone=undone, after=after, limit=limit + 1)
    rows = [MergeRow(**row._mapping) for row in found]
    return cut(rows, limit, "merges", [row.id for row in rows])


MERGES = """
SELECT m.id, m.into_id AS head, m.found_by, m.actor, m.merged_at AS time, m.undone_at,
  ARRAY(SELECT g.insight_id FROM merged g WHERE g.merge_id = m.id ORDER BY g.insight_id) AS members
FROM merge m
WHERE m.workspace_id = :workspace
  AND (CAST(:insight AS text) IS NULL OR m.into_id = :insight
    OR m.id IN (SELECT merge_id FROM merged WHERE insight_id = :insight))
  AND (CAST(:undone AS bool) IS NULL OR (m.undone_at IS NOT NULL) = :undone)
  AND (CAST(:after AS text) IS NULL OR m.id < :after)
ORDER BY m.id DESC LIMIT :limit
"""
