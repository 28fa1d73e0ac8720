"""Propose pairs: a task compares what is new with what is there, after ingest and never in its way.

While candidates are looked for only the traces of the compared insights are locked, which ingest does not touch. Then
pairs are written, which lock no insight against ingest; at last, for a moment, what is in conflict and what was
compared. A step that is broken off or done twice ends in the same rows. What new evidence of a known statement would
find is not looked for again (core/insights/similar.py finds it).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.insight_base import consequences, locks, traces
from core.insights import candidates
from core.insights.candidates import Candidate, form_of
from core.runtime import db
from core.runtime.ids import new_id
from core.statements.canonical import Canonical
from core.statements.differences import differences

AT_ONCE = 25
MOST_PAIRS = 20
# What resembles an insight less is not proposed: so do four in a hundred of those that say the same in other words.
FLOOR = 0.3
# Where more words differ, no other pair differs alike.
MOST_DIFFERENCES = 3


@dataclass(frozen=True)
class Step:
    """`done`: insights all of whose pairs are written, but for `conflicts`."""

    claimed: Sequence[str]
    done: Sequence[str]
    conflicts: Sequence[Candidate]


def compare_some() -> int:
    """Compare some insights that were not yet. Returns how many; 0 when none is left that nobody else is at."""
    with db.transaction(everywhere=True) as session:
        traced = traces.give(session, AT_ONCE)
    with db.transaction(everywhere=True) as session:
        step = propose(session)
    if step.done:
        with db.transaction(everywhere=True) as session:
            conclude(session, step)
    return len(step.claimed) or traced


def propose(session: Session) -> Step:
    """Claim insights, find their candidates and write pairs, without those that are in conflict."""
    of_workspace = _claim(session)
    claimed = [one for ids in of_workspace.values() for one in ids]
    chosen = [
        one
        for workspace, ids in of_workspace.items()
        for some in candidates.of(session, workspace, ids, MOST_PAIRS).values()
        for one in some
        if one.kind != "merge" or one.score >= FLOOR
    ]
    ids = sorted({*claimed, *(one.other for one in chosen)})
    here = {row.id: row for row in db.rows(session, HOLD, ids=ids)}
    # Somebody deletes it at the moment: what is left is proposed next time.
    late = {one.insight for one in chosen if one.other not in here}
    ready = [one for one in chosen if one.insight in here and one.other in here]
    _write(session, [one for one in ready if one.kind != "conflict"], here)
    done = [one for one in claimed if one in here and one not in late]
    return Step(claimed, done, [one for one in ready if one.kind == "conflict" and one.insight in done])


def _claim(session: Session) -> dict[str, list[str]]:
    """By workspace."""
    ids = [row.insight_id for row in db.rows(session, CLAIM, most=AT_ONCE)]
    claimed: dict[str, list[str]] = {}
    # Another process may have ended with some of them since this looked.
    for row in db.rows(session, STILL_TO_DO, ids=ids) if ids else ():
        claimed.setdefault(row.workspace_id, []).append(row.id)
    return claimed


CLAIM = """
SELECT t.insight_id FROM insight i JOIN statement_traces t ON t.insight_id = i.id
WHERE NOT i.compared AND NOT i.quarantined AND i.head_id IS NULL AND i.exact_key IS NOT NULL
ORDER BY i.id LIMIT :most FOR UPDATE OF t SKIP LOCKED
"""
STILL_TO_DO = """
SELECT id, workspace_id FROM insight
WHERE id = ANY(:ids) AND NOT compared AND NOT quarantined AND head_id IS NULL ORDER BY id
"""
# They stay until commit. Ingest writes them all the same, and nobody is waited for.
HOLD = f"""
SELECT id, statement, language FROM insight WHERE id = ANY(:ids)
ORDER BY {locks.IN_ORDER} FOR KEY SHARE SKIP LOCKED
"""


def conclude(session: Session, step: Step) -> None:
    """Write conflicts with what follows from them, and what has been compared."""
    sides = sorted({side for one in step.conflicts for side in (one.insight, one.other)})
    here = locks.lock_around(session, [*step.done, *sides])
    conflicts = [one for one in step.conflicts if one.insight in here and one.other in here]
    if conflicts:
        _write(session, conflicts, {row.id: row for row in db.rows(session, STATEMENTS, ids=sides)})
        consequences.of_change(session, sides)
    db.execute(session, DONE, ids=list(step.done))


STATEMENTS = "SELECT id, statement, language FROM insight WHERE id = ANY(:ids)"
DONE = "UPDATE insight SET compared = true WHERE id = ANY(:ids) AND NOT compared"


def _write(session: Session, found: Sequence[Candidate], statements: Mapping[str, Row[Any]]) -> None:
    """A pair of two trees that were compared already stays as it is; one that is settled never returns."""
    pairs: dict[tuple[str, str], Candidate] = {}
    for one in sorted(found, key=lambda one: one.score):
        pairs[min(one.insight, one.other), max(one.insight, one.other)] = one
    given = sorted(pairs.items())
    if given:
        db.columns(
            session,
            WRITE,
            id=[new_id("pair") for _ in given],
            first=[first for (first, _), _ in given],
            second=[second for (_, second), _ in given],
            kind=[one.kind for _, one in given],
            found_by=[one.found_by for _, one in given],
            score=[one.score for _, one in given],
            alike=[
                alike(*(form_of(statements[one].statement, statements[one].language) for one in key))
                for key, _ in given
            ],
        )


WRITE = """
WITH given AS MATERIALIZED (
  SELECT n.*, f.workspace_id, coalesce(f.head_id, f.id) AS head, coalesce(s.head_id, s.id) AS other_head
  FROM unnest(%(id)s::text[], %(first)s::text[], %(second)s::text[], %(kind)s::text[], %(found_by)s::text[],
    %(score)s::float8[], %(alike)s::text[]) AS n(id, first, second, kind, found_by, score, alike)
  JOIN insight f ON f.id = n.first JOIN insight s ON s.id = n.second AND s.workspace_id = f.workspace_id
), member AS MATERIALIZED (
  SELECT g.head, i.id FROM (SELECT head FROM given UNION SELECT other_head FROM given) g JOIN insight i ON i.id = g.head
  UNION ALL
  SELECT g.head, i.id FROM (SELECT head FROM given UNION SELECT other_head FROM given) g
    JOIN insight i ON i.head_id = g.head
), known AS MATERIALIZED (
  SELECT g.id FROM given g JOIN member a ON a.head = g.head JOIN member b ON b.head = g.other_head
    JOIN pair p ON p.first = least(a.id, b.id) AND p.second = greatest(a.id, b.id)
  WHERE p.state = 'settled' OR p.kind = g.kind
)
INSERT INTO pair (id, workspace_id, first, second, kind, found_by, score, alike, support)
SELECT g.id, g.workspace_id, g.first, g.second, g.kind, g.found_by, g.score, g.alike, a.support + b.support
FROM given g JOIN insight a ON a.id = g.head JOIN insight b ON b.id = g.other_head
WHERE g.head <> g.other_head AND g.id NOT IN (SELECT id FROM known)
ORDER BY g.first, g.second
ON CONFLICT (first, second) DO NOTHING
"""


def alike(a: Canonical, b: Canonical) -> str | None:
    """Equal for pairs in which the same words differ, whichever side has which."""
    found = differences(a, b)
    if not 1 <= len(found) <= MOST_DIFFERENCES:
        return None
    there, back = (
        "|".join(sorted("/".join((one.kind, *side)) for one, side in zip(found, sides, strict=True)))
        for sides in (
            [(one.a.casefold(), one.b.casefold()) for one in found],
            [(one.b.casefold(), one.a.casefold()) for one in found],
        )
    )
    return hashlib.sha256(min(there, back).encode("utf-8", "replace")).hexdigest()[:32]
