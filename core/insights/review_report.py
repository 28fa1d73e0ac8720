"""Read-only: pairs to be settled, and settled ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from core.errors import NotFound
from core.insight_base import tree
from core.insights import report
from core.insights.report import Count, InsightRow
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, not_ours, place
from core.statements.canonical import canonical
from core.statements.differences import Difference, differences
from core.tables.access import called
from core.tables.insights import FoundBy, PairKind, Verdict

PairState = Literal["open", "settled"]
KINDS: tuple[PairKind, ...] = ("conflict", "over_time", "merge")
# Of each kind the best supported are ordered, by what was counted when they were proposed. Nobody settles more in a
# row, and others follow those that are settled.
MOST_ORDERED = 5_000
MOST_ALIKE = 500
# An open pair that resembles no less looks like the other one.
LOOKS_LIKE = 0.6


@dataclass(frozen=True)
class Item:
    """`a`, `b`: the heads of both sides; of a pair whose sides are one insight now they themselves. `differs`: the
    words, as `a` and `b` write them. `time`: when it was settled, or proposed. `put_off`: left for later. `grounds`:
    the words of each side that decided, where a model of the job `judged_in` settled it."""

    id: str
    kind: PairKind
    a: InsightRow
    b: InsightRow
    differs: tuple[Difference, ...]
    found_by: FoundBy
    score: float
    state: PairState
    verdict: Verdict | None
    actor: str | None
    time: datetime
    put_off: bool
    grounds: tuple[str, ...]
    judged_in: str | None


def items(
    *,
    kind: PairKind | None = None,
    state: PairState = "open",
    collection: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Item]:
    """Open ones: the most supported first, what was left for later last; two insights once, however many pairs of what
    was merged into them there are. Settled ones: the newest first. `collection`: both sides have evidence in it."""
    checked_limit(limit)
    of = f"review-{state}"
    given = {"kinds": list(KINDS) if kind is None else [kind], "limit": limit + 1, **_after(cursor, of, state)}
    sql, within = _in(collection, {"open": OPEN, "settled": SETTLED}[state], AFTER[state] if cursor else "true")
    with db.reading() as session:
        found = db.rows(session, sql, most=MOST_ORDERED, **given, **within)
    page = cut(found, limit, of, [row.place for row in found])
    return Page(tuple(_items(page.items)), page.next_cursor)


def _after(cursor: str | None, of: str, state: PairState) -> dict[str, Any]:
    at = place(cursor, of)
    if at is None:
        return {}
    *numbers, pair = at.split("~")
    names = {"open": ("later", "support"), "settled": ("settled",)}[state]
    if len(numbers) != len(names) or not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in numbers):
        raise not_ours()
    return {**{name: int(one) for name, one in zip(names, numbers, strict=True)}, "pair": pair}


AFTER = {
    "open": "(h.later, -h.support, h.id) > (:later, -CAST(:support AS bigint), :pair)",
    "settled": "(p.settled, p.id) < (:settled, :pair)",
}
MICROSECONDS = "CAST(extract(epoch FROM {}) * 1000000 AS bigint)"
SIDES = f"""
p.id, p.kind, p.first, p.second, p.found_by, p.score, p.state, p.verdict, {called("p.actor")} AS actor, p.grounds,
p.judged_in, coalesce(p.settled_at, p.created_at) AS time, p.later_at IS NOT NULL AS put_off,
coalesce(f.head_id, f.id) AS a, coalesce(s.head_id, s.id) AS b
"""


def _has_evidence(side: str) -> str:
    return f"""EXISTS (SELECT 1 FROM evidence e JOIN document d ON d.id = e.document_id
    JOIN collection c ON c.id = d.collection_id
    WHERE c.name = :collection AND c.workspace_id = :workspace
      AND e.insight_id IN (SELECT h.{side} UNION ALL SELECT m.id FROM insight m WHERE m.head_id = h.{side}))"""


IN_COLLECTION = f"({_has_evidence('a')} AND {_has_evidence('b')})"
OPEN = f"""
WITH best AS MATERIALIZED (
  SELECT p.* FROM unnest(CAST(:kinds AS text[])) AS k(kind) CROSS JOIN LATERAL (
    SELECT * FROM pair WHERE workspace_id = :workspace AND kind = k.kind AND state = 'open' AND later_at IS NULL
    ORDER BY support DESC, id DESC LIMIT :most) p
  UNION ALL
  SELECT p.* FROM unnest(CAST(:kinds AS text[])) AS k(kind) CROSS JOIN LATERAL (
    SELECT * FROM pair WHERE workspace_id = :workspace AND kind = k.kind AND state = 'open' AND later_at IS NOT NULL
    ORDER BY later_at LIMIT :most) p
), sides AS (
  SELECT {SIDES}, coalesce({MICROSECONDS.format("p.later_at")}, 0) AS later
  FROM best p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
), once AS (
  SELECT DISTINCT ON (least(a, b), greatest(a, b)) * FROM sides WHERE a <> b
  ORDER BY least(a, b), greatest(a, b), array_position(ARRAY['conflict', 'over_time', 'merge'], kind), score DESC, id
), h AS (
  SELECT o.*, x.support AS a_support, y.support AS b_support, CAST(x.support + y.support AS bigint) AS support
  FROM once o JOIN insight x ON x.id = o.a JOIN insight y ON y.id = o.b WHERE NOT (x.quarantined OR y.quarantined)
)
SELECT h.*, h.later || '~' || h.support || '~' || h.id AS place FROM h
WHERE {{where}} AND {{after}} ORDER BY h.later, -h.support, h.id LIMIT :limit
"""
SETTLED = f"""
WITH p AS (
  SELECT q.*, {MICROSECONDS.format("q.settled_at")} AS settled FROM pair q
  WHERE q.workspace_id = :workspace AND q.state = 'settled' AND q.kind = ANY(:kinds)
), h AS (
  SELECT {SIDES}, p.settled FROM p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second WHERE {{after}}
)
SELECT h.*, h.settled || '~' || h.id AS place FROM h
WHERE {{where}} ORDER BY h.settled DESC, h.id DESC LIMIT :limit
"""


def open_counts(collection: str | None = None) -> dict[PairKind, Count]:
    """How many of each kind are open: two insights once, as they are listed."""
    sql, given = _in(collection, OPEN_COUNTS)
    with db.reading() as session:
        found = db.rows(session, sql, kinds=list(KINDS), most=MOST_ORDERED, **given)
    return {row.kind: Count(row.number, row.read == MOST_ORDERED) for row in found}


OPEN_COUNTS = """
SELECT k.kind, n.number, n.read FROM unnest(CAST(:kinds AS text[])) AS k(kind) CROSS JOIN LATERAL (
  SELECT count(*) AS read,
    count(DISTINCT (least(h.a, h.b), greatest(h.a, h.b))) FILTER (WHERE h.a <> h.b AND {where}) AS number
  FROM (
    SELECT coalesce(f.head_id, f.id) AS a, coalesce(s.head_id, s.id) AS b
    FROM (SELECT first, second FROM pair WHERE workspace_id = :workspace AND kind = k.kind AND state = 'open'
          LIMIT :most) p
    JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
  ) h
) n
"""


def get(pair_id: str) -> Item:
    """Raises NotFound."""
    with db.reading() as session:
        found = db.rows(session, PAIR, pair=pair_id)
    if not found:
        raise NotFound(f"There is no pair {pair_id}. One of its insights may have been deleted.")
    return _items(found)[0]


PAIR = f"""
SELECT {SIDES} FROM pair p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
WHERE p.id = :pair AND p.workspace_id = :workspace
"""


def _in(collection: str | None, sql: str, after: str = "true") -> tuple[str, dict[str, str]]:
    """The statement with the condition that both sides have evidence in it, and its parameter."""
    given = {"collection": collection} if collection else {}
    return sql.format(where=IN_COLLECTION if collection else "true", after=after), given


def candidates(head: str, collection: str | None = None) -> tuple[Item, ...]:
    """All that may be the same as an insight or contradict it, best first. It is `a` of each."""
    insight = report.get(head)
    with db.reading() as session:
        found = _rows_of_head(session, insight.head or insight.id, collection)
    return _with_first(insight.head or insight.id, _items(found))


def next_ones(kind: PairKind, collection: str | None = None, *, most: int) -> tuple[Item, ...]:
    """The pair that comes first, then others of its better supported side, which is `a` of each: of the same kind, and
    left for later if that one was. `most`: with it. Empty where nothing is open."""
    sql, given = _in(collection, OPEN)
    with db.reading() as session:
        first = db.row(session, sql, kinds=[kind], most=MOST_ORDERED, limit=1, **given)
        if first is None:
            return ()
        head, other = (
            (first.a, first.b) if (first.a_support, first.b) >= (first.b_support, first.a) else (first.b, first.a)
        )
        others = [
            row
            for row in _rows_of_head(session, head, collection)
            if row.kind == kind and row.put_off == first.put_off and other not in (row.a, row.b)
        ]
    return _with_first(head, _items([first, *others[: most - 1]]))


def _rows_of_head(session: Session, head: str, collection: str | None) -> list[Row[Any]]:
    sql, given = _in(collection, OF_HEAD)
    return db.rows(session, sql, ids=[head], **given)


def _with_first(head: str, found: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(turned(one) if one.b.id == head else one for one in found)


OF_HEAD = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), theirs AS MATERIALIZED (
  SELECT p.* FROM member m JOIN pair p ON p.first = m.member WHERE p.state = 'open' AND p.workspace_id = :workspace
  UNION
  SELECT p.* FROM member m JOIN pair p ON p.second = m.member WHERE p.state = 'open' AND p.workspace_id = :workspace
), sides AS (SELECT {SIDES} FROM theirs p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second)
SELECT * FROM (
  SELECT DISTINCT ON (least(a, b), greatest(a, b)) * FROM sides WHERE a <> b
  ORDER BY least(a, b), greatest(a, b), array_position(ARRAY['conflict', 'over_time', 'merge'], kind), score DESC, id
) h WHERE {{where}} ORDER BY score DESC, id
"""


def turned(one: Item) -> Item:
    differs = tuple(Difference(d.kind, d.b, d.a, d.b_spans, d.a_spans) for d in one.differs)
    mirrored: Verdict | None = MIRRORED.get(one.verdict, one.verdict) if one.verdict else None
    return replace(one, a=one.b, b=one.a, differs=differs, verdict=mirrored, grounds=one.grounds[::-1])


MIRRORED: Mapping[Verdict, Verdict] = {"more": "less", "less": "more"}


def alike(pair_id: str, collection: str | None = None) -> tuple[Item, ...]:
    """Open pairs that differ only like this one, which is the first of them."""
    this = get(pair_id)
    sql, given = _in(collection, ALIKE)
    with db.reading() as session:
        found = db.rows(session, sql, pair=pair_id, most=MOST_ALIKE, **given)
    return (this, *_items(found))


ALIKE = f"""
SELECT h.* FROM (
  SELECT {SIDES}, p.support FROM pair this JOIN pair p ON p.alike = this.alike AND p.state = 'open' AND p.id <> this.id
    AND p.workspace_id = this.workspace_id
  JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
  WHERE this.id = :pair AND this.workspace_id = :workspace
) h WHERE h.a <> h.b AND {{where}} ORDER BY h.support DESC, h.id LIMIT :most
"""


def count_alike(pair_id: str, collection: str | None = None) -> int:
    """How many `alike` has."""
    sql, given = _in(collection, ALIKE)
    with db.reading() as session:
        return 1 + int(db.scalar(session, f"SELECT count(*) FROM ({sql}) a", pair=pair_id, most=MOST_ALIKE, **given))


def looks_like_dismissed(insight_ids: Iterable[str]) -> dict[str, list[str]]:
    """For each of these heads that has one: the dismissed insights that an open pair says it may be the same as."""
    found: dict[str, list[str]] = {}
    with db.reading() as session:
        for row in db.rows(session, LIKE_DISMISSED, ids=sorted(set(insight_ids)), like=LOOKS_LIKE):
            found.setdefault(row.insight, []).append(row.dismissed)
    return found


LIKE_DISMISSED = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), opposite AS (
  SELECT m.insight, p.second AS other FROM member m JOIN pair p ON p.first = m.member
  WHERE p.state = 'open' AND p.kind = 'merge' AND p.score >= :like
  UNION SELECT m.insight, p.first FROM member m JOIN pair p ON p.second = m.member
  WHERE p.state = 'open' AND p.kind = 'merge' AND p.score >= :like
)
SELECT DISTINCT o.insight, h.id AS dismissed
FROM opposite o JOIN insight i ON i.id = o.other
JOIN insight h ON h.id = CASE WHEN i.head_id IS NULL THEN i.id ELSE i.head_id END
WHERE h.state = 'dismissed' AND h.id <> o.insight AND h.workspace_id = :workspace ORDER BY o.insight, h.id
"""


def _items(found: Sequence[Row[Any]]) -> list[Item]:
    sides = {row.id: (row.first, row.second) if row.a == row.b else (row.a, row.b) for row in found}
    ids = sorted({side for both in sides.values() for side in both})
    insights = {row.id: row for row in report.get_all(ids)} if ids else {}
    forms = {row.id: canonical(row.statement, row.language) for row in insights.values()}
    return [
        Item(
            id=row.id,
            kind=row.kind,
            a=insights[a],
            b=insights[b],
            differs=differences(forms[a], forms[b]),
            found_by=row.found_by,
            score=row.score,
            state=row.state,
            verdict=row.verdict,
            actor=row.actor or None,
            time=row.time,
            put_off=row.put_off,
            grounds=tuple(row.grounds or ()),
            judged_in=row.judged_in,
        )
        for row in found
        for a, b in (sides[row.id],)
    ]
