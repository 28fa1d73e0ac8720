"""Read-only: a page of a list of insights, in its order.

How a list is quick, and stays as it is while one pages: up to MOST_COUNTED of what matches are gathered in whatever
order the indexes give, which also counts them, and ordered. Where there are more, they are frequent, and the list is
walked in the order of an index until its page is full. Newest first goes by the id, which never changes. The other
orders go by coarse ranks, which stand in an index and seldom change, and by the exact figure inside a rank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from core.runtime import db
from core.runtime.paging import not_ours
from core.tables.insights import CONFIDENCE_RANKS, SUPPORT_RANKS

Sort = Literal["newest", "support", "confidence", "relevance"]
# More are not counted: nobody reads them, and the count would take longer than the list.
MOST_COUNTED = 10_000
# By relevance the newest of so many hits are ordered.
MOST_RANKED = 2_000


@dataclass(frozen=True)
class Count:
    """`capped`: there are more than `count`."""

    count: int
    capped: bool


At = tuple[float, str]
# What a list is ordered by, before the id, and the type of it in a cursor.
ORDERS: dict[Sort, tuple[str, str]] = {
    "newest": ("0", "int"),
    "support": ("i.support", "int"),
    "confidence": ("i.confidence", "float8"),
    "relevance": (
        "(SELECT ts_rank(s.words, CAST(:q AS tsquery)) FROM statement_search s WHERE s.insight_id = i.id)",
        "float4",
    ),
}
# The rank that stands for each in an index, where each rank begins, and up to which each is one value.
RANKS: dict[Sort, tuple[str, Sequence[float], int]] = {
    "support": ("i.support_rank", SUPPORT_RANKS, 2),
    "confidence": ("i.confidence_rank", CONFIDENCE_RANKS, 0),
}


def places(
    session: Session, where: str, given: Mapping[str, Any], sort: Sort, at: At | None, most: int
) -> tuple[Sequence[Row[Any]], Count | None]:
    """The ids of a page with what they are ordered by, and how many there are from there on."""
    order, kind = ORDERS[sort]
    params = dict(given)
    after, of_rest = "true", "true"
    if at is not None:
        params["value"], params["after"] = at
        after = f"(f.place, f.id) < (CAST(:value AS {kind}), :after)"
        of_rest = "i.id < :after" if sort == "newest" else "true"
    sql = GATHERED.format(place=order, where=f"{where} AND {of_rest}", after=after, most=MOST_COUNTED + 1)
    found = db.rows(session, sql, limit=most, **params)
    counted = found[0].counted
    if counted <= MOST_COUNTED:
        return [row for row in found if row.id], Count(counted, False)
    total = Count(MOST_COUNTED, True)
    if sort in RANKS:
        return _by_rank(session, where, params, sort, most), total
    if sort == "relevance":
        newest = f"{of_rest} ORDER BY i.id DESC"
        sql = GATHERED.format(place=order, where=f"{where} AND {newest}", after=after, most=MOST_RANKED)
        return [row for row in db.rows(session, sql, limit=most, **params) if row.id], total
    return db.rows(session, WALKED.format(where=f"{where} AND {of_rest}"), limit=most, **params), total


GATHERED = """
WITH found AS MATERIALIZED (SELECT i.id, {place} AS place FROM insight i WHERE {where} LIMIT {most})
SELECT f.id, f.place, c.counted FROM (SELECT count(*) AS counted FROM found) c
LEFT JOIN (SELECT f.id, f.place FROM found f WHERE {after} ORDER BY f.place DESC, f.id DESC LIMIT :limit) f ON true
ORDER BY f.place DESC, f.id DESC
"""
WALKED = "SELECT i.id, 0 AS place FROM insight i WHERE {where} ORDER BY i.id DESC LIMIT :limit"


def _by_rank(session: Session, where: str, params: Mapping[str, Any], sort: Sort, most: int) -> list[Row[Any]]:
    """From the highest rank down until there are enough: a rank is read to its end only where its values differ."""
    (order, kind), (rank, begins, single) = ORDERS[sort], RANKS[sort]
    highest = len(begins) if "value" not in params else rank_of(params["value"], begins)
    found: list[Row[Any]] = []
    for number in range(highest, -1, -1):
        here = "true"
        if "value" in params and number == highest:
            here = "i.id < :after" if number <= single else f"({order}, i.id) < (CAST(:value AS {kind}), :after)"
        by = "i.id DESC" if number <= single else f"{order} DESC, i.id DESC"
        sql = OF_RANK.format(place=order, where=f"{where} AND {here} AND {rank} = {number}", by=by)
        found += db.rows(session, sql, limit=most - len(found), **params)
        if len(found) >= most:
            break
    return found


OF_RANK = "SELECT i.id, {place} AS place FROM insight i WHERE {where} ORDER BY {by} LIMIT :limit"


def count(session: Session, where: str, given: Mapping[str, Any]) -> Count:
    """How many insights i there are."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM insight i WHERE {where} LIMIT {MOST_COUNTED + 1}) found"
    found: int = db.scalar(session, sql, **given)
    return Count(min(found, MOST_COUNTED), found > MOST_COUNTED)


def rank_of(value: float, begins: Sequence[float]) -> int:
    return sum(value >= begin for begin in begins)


def plan_by_values(session: Session) -> None:
    """A plan that suits any value suits neither a rare nor a frequent one."""
    db.execute(session, "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")


def value_and_id(at: str) -> tuple[float, str]:
    value, _, insight_id = at.partition("~")
    try:
        return float(value), insight_id
    except ValueError:
        raise not_ours() from None
