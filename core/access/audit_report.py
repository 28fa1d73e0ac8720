"""Entries of the audit, as far as the caller may read them: managers those of their workspaces, admins all."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core.access import actor
from core.access.chain import COLUMNS
from core.runtime import db, paging
from core.runtime.paging import Page


@dataclass(frozen=True)
class EntryRow:
    id: int
    time: datetime
    workspace: str | None
    user: str | None
    key: str | None
    door: str
    ip: str | None
    request_id: str | None
    action: str
    object: dict[str, Any] | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    outcome: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Filters:
    """`object`: a kind, an id, or `kind:id`. From `begin` to before `end`."""

    user: str | None = None
    key: str | None = None
    action: str | None = None
    object: str | None = None
    workspace: str | None = None
    door: str | None = None
    begin: datetime | None = None
    end: datetime | None = None


EVERYTHING = Filters()


def _mine() -> list[str] | None:
    """None: all, and what is of the machine."""
    who = actor.caller()
    if who.role == "admin" and who.only is None:
        return None
    return list(who.workspaces or ())


def find(filters: Filters = EVERYTHING, *, limit: int = 100, cursor: str | None = None) -> Page[EntryRow]:
    """The newest first."""
    limit = paging.checked_limit(limit)
    before = paging.number(cursor, "audit")
    sql = f"{FIND} AND (CAST(:cursor AS bigint) IS NULL OR id < :cursor) ORDER BY id DESC LIMIT :limit"
    with db.reading() as session:
        found = db.rows(session, sql, **_given(filters), cursor=before, limit=limit + 1)
    rows = [EntryRow(**row._mapping) for row in found]
    return paging.cut(rows, limit, "audit", [row.id for row in rows])


def get(id_: str) -> EntryRow | None:
    """None where there is none, or none that the caller may read."""
    if not (id_.isascii() and id_.isdecimal()) or len(id_) > paging.LONGEST_ID:
        return None
    with db.reading() as session:
        row = db.row(session, f"{FIND} AND id = :id", **_given(EVERYTHING), id=int(id_))
    return None if row is None else EntryRow(**row._mapping)


def every(session: Session, filters: Filters = EVERYTHING) -> Iterator[EntryRow]:
    """The oldest first."""
    for row in db.stream(session, f"{FIND} ORDER BY id", **_given(filters)):
        yield EntryRow(**row._mapping)


def _given(filters: Filters) -> dict[str, Any]:
    given = {field.name: getattr(filters, field.name) for field in fields(Filters)}
    return {**given, "of": given.pop("workspace"), "mine": _mine()}


# What lies behind the wall is left out by `mine`: an admin reads across it, and what is of the machine besides.
FIND = f"""
SELECT {COLUMNS} FROM audit_entry
WHERE (CAST(:mine AS text[]) IS NULL OR workspace = ANY(:mine))
  AND (CAST(:user AS text) IS NULL OR "user" = :user) AND (CAST(:key AS text) IS NULL OR key = :key)
  AND (CAST(:action AS text) IS NULL OR action = :action) AND (CAST(:door AS text) IS NULL OR door = :door)
  AND (CAST(:of AS text) IS NULL OR workspace = :of)
  AND (CAST(:object AS text) IS NULL OR subject = :object OR object ->> 'id' = :object OR object ->> 'kind' = :object)
  AND (CAST(:begin AS timestamptz) IS NULL OR time >= :begin) AND (CAST(:end AS timestamptz) IS NULL OR time < :end)
"""
