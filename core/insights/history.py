"""Who changed what of which insight: entries are written in the transaction of the change, and read here."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from core.access import actor
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.paging import Page, checked_limit, cut, number
from core.tables.access import called

Action = Literal["change", "merge", "unmerge", "undo", "review"]
Side = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """`before`, `after`: the fields that changed. `change`: what the entries of one click share."""

    change: str
    time: datetime
    actor: str
    action: str
    before: dict[str, Any]
    after: dict[str, Any]
    undone_at: datetime | None


def new_change() -> str:
    return new_id("chg")


def note(session: Session, change: str, action: Action, entries: Iterable[tuple[str, Side, Side]]) -> None:
    """An entry for each insight: its id, before, after. Its version is that of its row, which is changed already."""
    given = list(entries)
    db.columns(
        session,
        NOTE,
        insight=[insight for insight, _, _ in given],
        before=[json.dumps(dict(before)) for _, before, _ in given],
        after=[json.dumps(dict(after)) for _, _, after in given],
        change=[change] * len(given),
        actor=[actor.current()] * len(given),
        action=[action] * len(given),
    )


NOTE = """
INSERT INTO insight_change (change_id, workspace_id, insight_id, actor, action, before, after, version)
SELECT n.change, i.workspace_id, i.id, n.actor, n.action, n.before::jsonb, n.after::jsonb, i.version
FROM unnest(%(insight)s::text[], %(before)s::text[], %(after)s::text[], %(change)s::text[], %(actor)s::text[],
  %(action)s::text[]) AS n(insight, before, after, change, actor, action)
JOIN insight i ON i.id = n.insight ORDER BY i.id
"""


def of_insight(insight_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[Entry]:
    """Newest first. Entries of an insight that is gone are gone with it."""
    checked_limit(limit)
    before = number(cursor, "history")
    with db.reading() as session:
        found = db.rows(session, OF_INSIGHT, insight=insight_id, before=before, limit=limit + 1)
    names = [field.name for field in fields(Entry)]
    rows = [Entry(**{name: getattr(row, name) for name in names}) for row in found]
    return cut(rows, limit, "history", [row.id for row in found])


OF_INSIGHT = f"""
SELECT id, change_id AS change, changed_at AS time, {called("actor")} AS actor, action, before, after, undone_at
FROM insight_change
WHERE insight_id = :insight AND workspace_id = :workspace AND (CAST(:before AS bigint) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit
"""


def lately_given_tags() -> list[str]:
    """The tags that people gave of late, by name. Those that are still there are not told from the others."""
    with db.reading() as session:
        return [row.tag for row in db.rows(session, LATELY_GIVEN, most=MOST_LOOKED_AT)]


MOST_LOOKED_AT = 20_000
LATELY_GIVEN = """
SELECT DISTINCT tag FROM (
  SELECT after FROM insight_change WHERE workspace_id = :workspace ORDER BY id DESC LIMIT :most
) c, jsonb_array_elements_text(c.after->'tags') AS tag
WHERE c.after ? 'tags' ORDER BY tag
"""
