"""Read-only: a page of a list of insights, in its order.

How a list is quick, and stays as it is while one pages: up to MOST_COUNTED of what matches are gathered in whatever
order the indexes give, which also counts them, and ordered. Where there are more, they are frequent, and the list is
walked in the order of an index until its page is full; not to its end, as they may all be old. Newest first goes by the
id, which never changes. The other orders go by coarse ranks, which stand in an index and seldom change, and by the
exact figure inside a rank; and each insight by the figure that it had when the walk began, which its recounts left in
`former_count`: so what rises or falls meanwhile is listed once, where it stood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from core.insight_base import former_counts
from core.runtime import db
from core.runtime.paging import not_ours
from core.tables.insights import CONFIDENCE_RANKS, SUPPORT_RANKS

Sort = Literal["newest", "support", "confidence", "relevance"]
# More are not counted: nobody reads them, and the count would take longer than the list.
MOST_COUNTED = 10_000
# By relevance the newest of so many hits are ordered.
MOST_RANKED = 2_000
# What is frequent is looked for among so many first.
NEWEST = 20_000


@dataclass(frozen=True)
class Count:
    """`capped`: there are more than `count`."""

    count: int
    capped: bool


@dataclass(frozen=True)
class Source:
    """Where the ids of a list come from: rows of a table in the order of ids, that meet `of_table`, joined to others
    that meet `where`. Which of them are listed is told without the insights themselves where no filter needs those."""

    table: str
    alias: str
    id: str
    of_table: str
    where: str = "true"
    joins: str = ""

    def all(self, place: str = "0", rest: str = "true") -> str:
        return f"""SELECT {self.id} AS id, {place} AS place FROM {self.table} {self.alias} {self.joins}
          WHERE {self.of_table} AND {self.where} AND {rest}"""

    def newest(self, rest: str = "true") -> str:
        """Of the newest of the table alone."""
        return f"""SELECT {self.id} AS id, 0 AS place FROM (SELECT * FROM {self.table} {self.alias}
          WHERE {self.of_table} AND {rest} ORDER BY {self.id} DESC LIMIT {NEWEST}) {self.alias} {self.joins}
          WHERE {self.where} ORDER BY 1 DESC LIMIT :limit"""


def of_insights(where: str) -> Source:
    """Any condition on an insight i."""
    return Source("insight", "i", "i.id", "i.workspace_id = :workspace AND i.head_id IS NULL", where)


@dataclass(frozen=True)
class At:
    """A place in a list: what it is ordered by there, and the id. `began`: as of when the walk lists (`beginning`)."""

    value: float
    id: str
    began: str

    def __str__(self) -> str:
        return f"{self.value}~{self.id}~{self.began}"


# What a list is ordered by, before the id, and the type of it in a cursor.
ORDERS: dict[Sort, tuple[str, str]] = {
    "newest": ("0", "int"),
    "support": ("i.support", "int"),
    "confidence": ("i.confidence", "float8"),
    "relevance": ("0", "float4"),
}
# The rank that stands for each in an index, where each rank begins, and up to which each is one value.
RANKS: dict[Sort, tuple[str, Sequence[float], int]] = {
    "support": ("i.support_rank", SUPPORT_RANKS, 2),
    "confidence": ("i.confidence_rank", CONFIDENCE_RANKS, 0),
}


def beginning(session: Session, sort: Sort, at: At | None) -> str:
    """As of when a walk lists: what had been committed, or by relevance the newest insight. Raises InvalidInput."""
    if sort in RANKS:
        return former_counts.now(session) if at is None else former_counts.checked(session, at.began)
    if sort == "relevance":
        return at.began if at else db.scalar(session, NEWEST_ID) or ""
    return ""


NEWEST_ID = "SELECT max(id) FROM insight WHERE workspace_id = :workspace"


def places(
    session: Session, source: Source, given: Mapping[str, Any], sort: Sort, at: At | None, began: str, most: int
) -> tuple[Sequence[Row[Any]], Count]:
    """The ids of a page with what they are ordered by, and how many there are from there on. `source`: of insights i,
    but for newest first and by relevance. `given`: its parameters."""
    params = dict(given)
    if at is not None:
        params |= {"value": at.value, "after": at.id}
    if sort == "relevance":
        return _by_relevance(session, source, {**params, "top": began}, most)
    if sort == "newest":
        return _newest(session, source, "true" if at is None else f"{source.id} < :after", params, most)
    order, kind = ORDERS[sort]
    params |= former_counts.given(began)
    after = "true" if at is None else f"(f.place, f.id) < (CAST(:value AS {kind}), :after)"
    former = former_counts.FORMER.format(figure=sort)
    listed = replace(source, joins="LEFT JOIN former m ON m.insight_id = i.id").all(f"coalesce(m.place, {order})")
    found, total = _gathered(session, listed, after, params, most, former)
    if found is None:
        return _by_rank(session, source.where, params, sort, most), total
    return found, total


def _gathered(
    session: Session, listed: str, after: str, params: Mapping[str, Any], most: int, former: str = ""
) -> tuple[list[Row[Any]] | None, Count]:
    """Those that come first, where not too many are listed to look at all of them."""
    sql = GATHERED.format(former=former and f"{former},", listed=listed, after=after, most=MOST_COUNTED + 1)
    found = db.rows(session, sql, limit=most, **params)
    counted = found[0].counted
    if counted > MOST_COUNTED:
        return None, Count(MOST_COUNTED, True)
    return [row for row in found if row.id], Count(counted, False)


GATHERED = """
WITH {former} found AS MATERIALIZED ({listed} LIMIT {most})
SELECT f.id, f.place, c.counted FROM (SELECT count(*) AS counted FROM found) c
LEFT JOIN (SELECT f.id, f.place FROM found f WHERE {after} ORDER BY f.place DESC, f.id DESC LIMIT :limit) f ON true
ORDER BY f.place DESC, f.id DESC
"""


def _newest(
    session: Session, source: Source, rest: str, params: Mapping[str, Any], most: int
) -> tuple[list[Row[Any]], Count]:
    found, total = _gathered(session, source.all(rest=rest), "true", params, most)
    if found is None:
        found = db.rows(session, source.newest(rest), limit=most, **params)
        if len(found) < most:
            # Frequent, and not among the newest.
            found = db.rows(session, FIRST.format(listed=source.all(rest=rest)), limit=most, **params)
    return found, total


FIRST = "WITH found AS MATERIALIZED ({listed}) SELECT id, place FROM found ORDER BY id DESC LIMIT :limit"


def _by_relevance(
    session: Session, source: Source, params: Mapping[str, Any], most: int
) -> tuple[list[Row[Any]], Count]:
    given = {name: value for name, value in params.items() if name not in ("value", "after")}
    found, total = _newest(session, source, f"{source.id} <= :top", given, MOST_RANKED)
    after = "(r.place, r.id) < (CAST(:value AS float4), :after)" if "value" in params else "true"
    newest = [row.id for row in found]
    return db.rows(session, RANKED.format(after=after), limit=most, newest=newest, **params), total


RANKED = """
SELECT r.id, r.place FROM (
  SELECT s.insight_id AS id, ts_rank(s.words, CAST(:q AS tsquery)) AS place FROM statement_search s
  WHERE s.insight_id = ANY(:newest) AND s.workspace_id = :workspace
) r WHERE {after} ORDER BY r.place DESC, r.id DESC LIMIT :limit
"""


def _by_rank(session: Session, where: str, params: Mapping[str, Any], sort: Sort, most: int) -> list[Row[Any]]:
    """From the highest rank down until there are enough: a rank is read to its end only where its values differ."""
    (order, kind), (rank, begins, single) = ORDERS[sort], RANKS[sort]
    highest = len(begins) if "value" not in params else rank_of(params["value"], begins)
    bounds = (-1, *begins, "CAST('infinity' AS float8)")
    after = f"CAST(:value AS {kind}), :after"
    found: list[Row[Any]] = []
    for number in range(highest, -1, -1):
        here, there = "true", "true"
        if "value" in params and number == highest:
            here = "i.id < :after" if number <= single else f"({order}, i.id) < ({after})"
            there = f"(m.place, i.id) < ({after})"
        sql = OF_RANK.format(
            former=former_counts.FORMER.format(figure=sort),
            place=order,
            where=where,
            here=f"{here} AND {rank} = {number}",
            by="i.id DESC" if number <= single else f"{order} DESC, i.id DESC",
            there=f"{there} AND m.place >= {bounds[number]} AND m.place < {bounds[number + 1]}",
        )
        found += db.rows(session, sql, **{**params, "limit": most - len(found)})
        if len(found) >= most:
            break
    return found


OF_RANK = """
WITH {former}
SELECT id, place FROM (
  (SELECT i.id, {place} AS place FROM insight i
    WHERE {where} AND {here} AND NOT EXISTS (SELECT 1 FROM former m WHERE m.insight_id = i.id)
    ORDER BY {by} LIMIT :limit)
  UNION ALL SELECT i.id, m.place FROM former m JOIN insight i ON i.id = m.insight_id WHERE {where} AND {there}
) found ORDER BY place DESC, id DESC LIMIT :limit
"""


def count(session: Session, source: Source, given: Mapping[str, Any]) -> Count:
    sql = f"SELECT count(*) FROM ({source.all()} LIMIT {MOST_COUNTED + 1}) found"
    found: int = db.scalar(session, sql, **given)
    return Count(min(found, MOST_COUNTED), found > MOST_COUNTED)


def rank_of(value: float, begins: Sequence[float]) -> int:
    return sum(value >= begin for begin in begins)


def parsed(at: str) -> At:
    value, _, rest = at.partition("~")
    insight_id, _, began = rest.partition("~")
    try:
        return At(float(value), insight_id, began)
    except ValueError:
        raise not_ours() from None
