"""Searches that somebody gave a name, for everybody in the workspace, with what is new since one was last looked at.

Looked at is a view when it is saved, and whenever somebody says so (`look`): the Insights page does once it shows it.
What a transaction that is still open brings began before and is not seen yet. So it is counted from when the oldest of
them began: something may be new twice, and nothing never.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row

from core.access import actor
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound
from core.insights import report
from core.insights.order_report import Count, Sort
from core.insights.report import Filters
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.text import bounded

LONGEST_NAME, MOST_VIEWS = 100, 200


@dataclass(frozen=True)
class View:
    """`new`: how many match that came since it was last looked at."""

    id: str
    name: str
    filters: Filters
    sort: Sort
    new: Count
    looked_at: datetime


class NameTaken(Conflict):
    """There is a view of this name. Choose another name, or delete that one."""


def save(name: str, filters: Filters, sort: Sort = "newest") -> View:
    """Raises InvalidInput, and Conflict for a name that is taken."""
    require("ask")
    name = bounded(" ".join(name.split()), "A name", LONGEST_NAME)
    if not name:
        raise InvalidInput("Give the view a name.")
    report.matching(filters)
    view_id = new_id("view")
    with db.transaction() as session:
        if db.scalar(session, "SELECT count(*) FROM saved_view WHERE workspace_id = :workspace") >= MOST_VIEWS:
            raise Conflict(f"There are {MOST_VIEWS} views. Delete one that nobody needs.")
        given = {"id": view_id, "name": name, "query": stored(filters, sort), "actor": actor.current()}
        if not db.execute(session, SAVE, **given):
            raise NameTaken()
    return look(view_id)


SAVE = """
INSERT INTO saved_view (id, workspace_id, name, query, actor)
VALUES (:id, :workspace, :name, CAST(:query AS jsonb), :actor) ON CONFLICT DO NOTHING
"""


EVERY = """
SELECT id, name, query, looked_at FROM saved_view WHERE workspace_id = :workspace ORDER BY lower(name), id
"""


def list_all() -> list[View]:
    """By name."""
    with db.reading() as session:
        found = db.rows(session, EVERY)
    return [_view(row) for row in found]


def look(view_id: str) -> View:
    """Nothing of it is new any more. Raises NotFound."""
    with db.transaction() as session:
        row = db.row(session, LOOK, id=view_id)
        if row is None:
            raise NotFound(f"There is no view {view_id}.")
    return _view(row)


# One that is open for longer does not hold up the others.
LOOK = """
UPDATE saved_view SET looked_at = greatest(now() - interval '5 minutes', coalesce((
  SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()), now()))
WHERE id = :id AND workspace_id = :workspace RETURNING *
"""


def delete(view_id: str) -> None:
    """Raises NotFound."""
    with db.transaction() as session:
        sql = "DELETE FROM saved_view WHERE id = :id AND workspace_id = :workspace RETURNING actor"
        row = db.row(session, sql, id=view_id)
        if row is None:
            raise NotFound(f"There is no view {view_id}.")
        require("view.change", row.actor)


FILTERS = TypeAdapter(Filters)


def stored(filters: Filters, sort: Sort) -> str:
    """As JSON: what is given."""
    given = {name: value for name, value in asdict(filters).items() if value not in (None, "", ())}
    return TypeAdapter(dict[str, Any]).dump_json(given | {"sort": sort}).decode()


def _view(row: Row[Any]) -> View:
    query: Mapping[str, Any] = row.query
    known = {field.name for field in fields(Filters)}
    filters = FILTERS.validate_python({name: value for name, value in query.items() if name in known})
    since = max(filters.since, row.looked_at) if filters.since else row.looked_at
    new = report.count(replace(filters, since=since))
    return View(row.id, row.name, filters, query["sort"], new, row.looked_at)
