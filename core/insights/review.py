"""Settle pairs: what a person says of two insights, once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from core.access import actor, audit
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound
from core.insight_base import consequences, locks, tree
from core.insights import history, merging, reopening, review_report
from core.insights.history import Side
from core.insights.merging import MergeBlocked
from core.insights.review_report import MIRRORED, Item
from core.runtime import db
from core.tables.insights import FoundBy, PairKind, Verdict

# `later`: it stays open, at the end.
Said = Verdict | Literal["later"]
BECOMES: Mapping[Verdict, PairKind] = {"conflict": "conflict", "over_time": "over_time"}


class AlreadySettled(Conflict):
    """This pair was settled with another verdict. Take that back first."""

    code = "ALREADY_SETTLED"


@dataclass(frozen=True)
class Settled:
    """`refused`: pairs that stay open, as their statements differ in what matters, or are settled meanwhile."""

    settled: tuple[str, ...]
    refused: tuple[str, ...]


def settle(pair_id: str, verdict: Said, keep: str | None = None, *, force: bool = False) -> Item:
    """`more`, `less`: what the pair's `a` says. `same` merges: `keep` is the insight whose wording stays, else the
    better supported one's. The same verdict a second time changes nothing.

    Raises NotFound, InvalidInput, MergeBlocked unless forced, AlreadySettled.
    """
    require("insight.change")
    with db.transaction() as session:
        settle_within(session, pair_id, verdict, keep, force=force)
    return review_report.get(pair_id)


@dataclass(frozen=True)
class Judged:
    """A model's verdict: the job that asked for it, and the words of the pair's `a` and `b` that decide."""

    job: str
    grounds: tuple[str, str]


def settle_within(
    session: Session,
    pair_id: str,
    verdict: Said,
    keep: str | None = None,
    *,
    force: bool = False,
    judged: Judged | None = None,
) -> None:
    """The same inside the caller's transaction, which has changed no insight yet."""
    found = db.row(session, PAIR, pair=pair_id)
    if found is None:
        raise NotFound(GONE.format(pair_id))
    locks.lock_around(session, [found.first, found.second])
    pair = db.row(session, PAIR + " FOR UPDATE OF p", pair=pair_id)
    if pair is None:
        raise NotFound(GONE.format(pair_id))
    if pair.state == "settled":
        if pair.verdict == verdict:
            return
        raise AlreadySettled(f"This pair was settled as “{pair.verdict}”. {ANEW}")
    if pair.a == pair.b and verdict not in ("same", "later"):
        raise Conflict("These are one insight by now. Unmerge it first if they are not the same.")
    # With those of what was merged into either: they are shown as this one.
    pairs = db.rows(session, BETWEEN, ids=[pair.a, pair.b]) if pair.a != pair.b else [pair]
    if verdict == "later":
        db.execute(session, LATER, ids=[row.id for row in pairs])
        return
    merge_id = None
    if verdict == "same":
        into, other = _kept(pair, keep)
        found_by: FoundBy = "judge" if judged else pair.found_by
        merge_id = merging.merge_within(session, into, [other], force=force, found_by=found_by).id
    _settle_all(session, pair, pairs, verdict, merge_id, judged)
    _note(session, pair, pairs, verdict)


ANEW = "Take that back first, or merge or unmerge the insights themselves."
SIDES = """
SELECT p.id, p.first, p.second, p.kind, p.found_by, p.state, p.verdict, p.settled_at, a.id AS a, b.id AS b,
  a.support AS a_support, b.support AS b_support
FROM pair p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
JOIN insight a ON a.id = CASE WHEN f.head_id IS NULL THEN f.id ELSE f.head_id END
JOIN insight b ON b.id = CASE WHEN s.head_id IS NULL THEN s.id ELSE s.head_id END
WHERE p.workspace_id = :workspace
"""
PAIR = f"{SIDES} AND p.id = :pair"
# A pair of what is in both trees stands in either order.
BETWEEN = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS})
{SIDES} AND p.state = 'open' AND p.id IN (
  SELECT q.id FROM member x JOIN pair q ON q.first = x.member
  JOIN member y ON y.member = q.second AND y.insight <> x.insight)
ORDER BY p.id FOR UPDATE OF p
"""
LATER = "UPDATE pair SET later_at = now() WHERE id = ANY(:ids) AND workspace_id = :workspace"


def take_back(pair_id: str) -> Item:
    """What was said of a pair: it is open again as it was proposed, with those between the same two insights that were
    settled with it, and the merge that it made is undone. Of an open one nothing changes. Raises NotFound."""
    require("insight.change")
    with db.transaction() as session:
        found = db.row(session, PAIR, pair=pair_id)
        if found is None:
            raise NotFound(GONE.format(pair_id))
        locks.lock_around(session, [found.first, found.second])
        pairs = db.rows(session, SETTLED_WITH, pair=pair_id)
        if merges := sorted({row.merge_id for row in pairs if row.merge_id}):
            merging.unmerge_all_within(session, merges)
        # Also where of a merge nothing is left to be undone.
        if pairs and (reopened := reopening.of_pairs(session, [row.id for row in pairs])):
            consequences.of_change(session, [found.first, found.second])
            reopening.note(session, pairs)
            said = {"verdict": next((row.verdict for row in pairs if row.id == pair_id), None), "pairs": reopened}
            audit.write(session, "insight.reopen", "pair", pair_id, before=said)
    return review_report.get(pair_id)


GONE = "There is no pair {}. One of its insights may have been deleted."
# Of the same transaction.
SETTLED_WITH = f"""
WITH this AS MATERIALIZED ({PAIR})
SELECT p.id, p.verdict, p.proposed_as, p.merge_id, coalesce(f.head_id, f.id) AS a, coalesce(s.head_id, s.id) AS b
FROM this
JOIN pair p ON p.settled_at = this.settled_at AND p.state = 'settled' AND p.workspace_id = :workspace
JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
WHERE coalesce(f.head_id, f.id) IN (this.a, this.b) AND coalesce(s.head_id, s.id) IN (this.a, this.b)
ORDER BY p.id FOR UPDATE OF p
"""


def _kept(pair: Row[Any], keep: str | None) -> tuple[str, str]:
    """Which of the heads stays, and which goes into it."""
    sides = {pair.a: pair.a, pair.first: pair.a, pair.b: pair.b, pair.second: pair.b}
    if keep is not None and keep not in sides:
        raise InvalidInput(f"The insight {keep} is on neither side of this pair. Keep {pair.a} or {pair.b}.")
    better = pair.a if (pair.a_support, pair.b) >= (pair.b_support, pair.a) else pair.b
    into = sides[keep] if keep else better
    return into, pair.b if into == pair.a else pair.a


def _settle_all(
    session: Session,
    pair: Row[Any],
    pairs: Sequence[Row[Any]],
    verdict: Verdict,
    merge_id: str | None,
    judged: Judged | None,
) -> None:
    verdicts: list[Verdict] = [verdict if row.a == pair.a else MIRRORED.get(verdict, verdict) for row in pairs]
    db.columns(
        session,
        SETTLE,
        id=[row.id for row in pairs],
        verdict=verdicts,
        kind=[BECOMES.get(verdict, row.kind) for row in pairs],
        actor=[actor.current()] * len(pairs),
        merge=[merge_id] * len(pairs),
        job=[judged and judged.job] * len(pairs),
        grounds=[judged and json.dumps(judged.grounds if row.a == pair.a else judged.grounds[::-1]) for row in pairs],
    )


def _note(session: Session, pair: Row[Any], pairs: Sequence[Row[Any]], verdict: Verdict) -> None:
    """What follows of a verdict, and who said it."""
    was_conflict = any(row.kind == "conflict" for row in pairs)
    if verdict != "same" and (was_conflict or verdict == "conflict"):
        consequences.of_change(session, [pair.a, pair.b])
        before = "conflict" if was_conflict else pair.kind
        entries: list[tuple[str, Side, Side]] = [
            (one, {"pair": pair.id, "kind": before}, {"pair": pair.id, "with": other, "verdict": verdicts_of})
            for one, other, verdicts_of in (
                (pair.a, pair.b, verdict),
                (pair.b, pair.a, MIRRORED.get(verdict, verdict)),
            )
        ]
        history.note(session, history.new_change(), "review", entries)
    audit.write(session, "insight.settle", "pair", pair.id, after={"verdict": verdict, "pairs": len(pairs)})


SETTLE = """
UPDATE pair p SET state = 'settled', verdict = n.verdict, proposed_as = p.kind, kind = n.kind, actor = n.actor,
  merge_id = n.merge, judged_in = n.job, grounds = n.grounds::jsonb, settled_at = now()
FROM unnest(%(id)s::text[], %(verdict)s::text[], %(kind)s::text[], %(actor)s::text[], %(merge)s::text[],
  %(job)s::text[], %(grounds)s::text[]) AS n(id, verdict, kind, actor, merge, job, grounds)
WHERE p.id = n.id AND p.workspace_id = %(workspace)s
"""


def settle_alike(
    pair_id: str, verdict: Verdict, keep: str | None = None, *, force: bool = False, collection: str | None = None
) -> Settled:
    """All that differ only like this pair, one after the other. `keep`: of this pair; of others it is the side that
    writes the words so. What is refused stays open."""
    require("insight.change")
    this, *others = review_report.alike(pair_id, collection)
    if keep is not None and keep not in (this.a.id, this.b.id):
        raise InvalidInput(f"The insight {keep} is on neither side of this pair. Keep {this.a.id} or {this.b.id}.")
    settled, refused = [], []
    for one in (this, *others):
        so = one is this or _words(one) == _words(this)
        if not so and _words(review_report.turned(one)) != _words(this):
            continue  # of other words by now, as one side was merged
        said = verdict if so else MIRRORED.get(verdict, verdict)
        kept = None if keep is None else one.a.id if (keep == this.a.id) == so else one.b.id
        try:
            with db.transaction() as session:
                settle_within(session, one.id, said, kept, force=force)
        except (MergeBlocked, Conflict, InvalidInput, NotFound):
            refused.append(one.id)
        else:
            settled.append(one.id)
    return Settled(tuple(settled), tuple(refused))


def _words(one: Item) -> list[tuple[str, str, str]]:
    return sorted((each.kind, each.a.casefold(), each.b.casefold()) for each in one.differs)
