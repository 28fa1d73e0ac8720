"""What support and confidence were before a recount changed them, for a day: so a walk through a list in the order of
them lists each insight where it stood when the walk began, once, whatever rises or falls meanwhile.

When a walk began is a snapshot of PostgreSQL, and not a time: a recount that was under way then and is committed later
counts as later.
"""

import re
from typing import Any

from sqlmodel import Session

from core.errors import InvalidInput
from core.runtime import db
from core.runtime.paging import not_ours

# So long may a walk take. A transaction is shorter than the hour between.
KEPT_HOURS, FORGOTTEN_HOURS = 24, 25
AT_ONCE = 50_000

# The figure of each insight before its first recount since. Recounts of one insight wait for one another.
FORMER = """
former AS MATERIALIZED (
  SELECT DISTINCT ON (f.insight_id) f.insight_id, f.{figure} AS place FROM former_count f
  WHERE f.workspace_id = :workspace AND f.transaction >= :oldest
    AND NOT pg_visible_in_snapshot(CAST(CAST(f.transaction AS text) AS xid8), CAST(:began AS pg_snapshot))
  ORDER BY f.insight_id, f.id
)"""


def now(session: Session) -> str:
    """The beginning of a walk, as its cursors hold it."""
    began: str = db.scalar(session, NOW)
    return began


NOW = "SELECT CAST(pg_current_snapshot() AS text) || '@' || CAST(floor(extract(epoch FROM now())) AS bigint)"
BEGAN = re.compile(r"(\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,\d{1,18})*)?)@(\d{1,12})", re.ASCII)


def checked(session: Session, began: str) -> str:
    """Raises InvalidInput for what is no beginning, and for one of which too much is forgotten."""
    found = BEGAN.fullmatch(began)
    if not found:
        raise not_ours()
    oldest, next_, running = int(found[1]), int(found[2]), [int(one) for one in found[3].split(",") if one]
    if not 0 < oldest <= next_ or not all(oldest <= one < next_ for one in running) or running != sorted(set(running)):
        raise not_ours()
    if db.now(session).timestamp() - int(found[4]) > KEPT_HOURS * 3600:
        raise InvalidInput(f"This list was begun more than {KEPT_HOURS} hours ago. Begin it again, without a cursor.")
    return began


def given(began: str) -> dict[str, Any]:
    """The parameters of FORMER."""
    snapshot = began.partition("@")[0]
    return {"began": snapshot, "oldest": int(snapshot.partition(":")[0])}


def forget(session: Session) -> int:
    """What no walk needs any more, some of it. Returns how much."""
    return db.execute(session, FORGET, hours=FORGOTTEN_HOURS, most=AT_ONCE)


FORGET = """
DELETE FROM former_count WHERE id IN (SELECT id FROM former_count
  WHERE changed_at < now() - :hours * interval '1 hour' ORDER BY changed_at LIMIT :most)
"""
# An hour later, so that not each tick finds some.
IS_DUE = f"""
SELECT 1 FROM former_count WHERE changed_at < now() - interval '{FORGOTTEN_HOURS + 1} hours' LIMIT 1
"""
