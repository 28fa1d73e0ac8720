"""What people make of insights: their state, tags, pins and wording; one at a time or many, and undone as one.

An edit changes what is shown and never what is matched. A merged insight keeps what it is: its head is changed instead.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import Row
from sqlmodel import Session

from core.access import audit
from core.errors import Conflict, InvalidInput, NotFound
from core.insight_base import consequences, counts, locks
from core.insights import history, report
from core.insights.history import Action
from core.insights.report import Filters, InsightRow
from core.runtime import db
from core.runtime.text import bounded
from core.tables.insights import State

MOST_TAGS, LONGEST_TAG = 20, 50
LONGEST_REASON, LONGEST_WORDING = 500, 2_000
# That are looked at and written at a time; all of them are locked before.
BLOCK = 2_000


class Given(Enum):
    NOT = "not given"


# None takes a reason or an edit back; this leaves it.
NOT_GIVEN: Final = Given.NOT


@dataclass(frozen=True)
class Change:
    """What is given changes. `reason`: why it is dismissed. `shown`: the wording that people see; None, blank or the
    statement itself: the statement. `tags`: all that it has from now on."""

    state: State | None = None
    reason: str | Given | None = NOT_GIVEN
    shown: str | Given | None = NOT_GIVEN
    tags: Sequence[str] | None = None
    pinned: bool | None = None


@dataclass(frozen=True)
class Set:
    """The same for many. Tags are removed before others are added."""

    state: State | None = None
    reason: str | Given | None = NOT_GIVEN
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()
    pinned: bool | None = None


@dataclass(frozen=True)
class Bulk:
    """`change`: by which all of it is undone; None where nothing changed."""

    change: str | None
    changed: int


@dataclass(frozen=True)
class Undone:
    """`skipped`: those that changed since, and stay."""

    changed: int
    skipped: int


class Stale(Conflict):
    """Somebody changed this insight since you looked at it. Load it again and look at it."""

    code = "STALE"


class WasMerged(Conflict):
    """This insight was merged into another. Change that one, or undo the merge."""

    code = "MERGED"


# What people change of an insight, by column.
Values = dict[str, Any]
FIELDS = ("state", "reason", "shown", "tags", "pinned")


def change(insight_id: str, given: Change, version: int | None = None) -> InsightRow:
    """Change one insight, if it still is of this version. What is as it was makes no new version and no entry.

    Raises NotFound, InvalidInput, WasMerged and Stale.
    """
    wanted = _wanted(given)
    with db.transaction() as session:
        if db.scalar(session, "SELECT 1 FROM insight WHERE id = :id AND workspace_id = :workspace", id=insight_id):
            locks.lock_around(session, [insight_id])
        now = db.row(session, NOW, id=insight_id)
        if now is None:
            raise NotFound(f"There is no insight {insight_id}. Its last evidence may have been deleted.")
        _refuse_merged(now)
        if version is not None and version != now.version:
            stale = Stale()
            stale.detail = {"version": now.version}
            raise stale
        _apply(session, history.new_change(), "change", [(now, wanted(now))])
    return report.get(insight_id)


NOW = """
SELECT id, statement, head_id, version, state, reason, shown, tags, pinned FROM insight
WHERE id = :id AND workspace_id = :workspace
"""


def _refuse_merged(now: Row[Any]) -> None:
    if now.head_id is not None:
        refusal = WasMerged(f"This insight was merged into {now.head_id}. Change that one, or undo the merge.")
        refusal.detail = {"head": now.head_id}
        raise refusal


def _wanted(given: Change) -> Callable[[Row[Any]], Values]:
    """What an insight is after it."""
    reason = _text(given.reason, "A reason", LONGEST_REASON)
    shown = _text(given.shown, "The wording", LONGEST_WORDING)
    tags = None if given.tags is None else tidy(given.tags)

    def wanted(now: Row[Any]) -> Values:
        values = _decided(now, given.state, reason, given.pinned)
        if shown is not NOT_GIVEN:
            values["shown"] = None if shown == now.statement else shown
        if tags is not None:
            values["tags"] = tags
        return values

    return wanted


def _wanted_of_many(given: Set) -> Callable[[Row[Any]], Values]:
    reason = _text(given.reason, "A reason", LONGEST_REASON)
    if given.state != "dismissed" and isinstance(reason, str):
        raise InvalidInput(REASON)
    added, removed = tidy(given.add_tags), {tag.casefold() for tag in tidy(given.remove_tags)}

    def wanted(now: Row[Any]) -> Values:
        values = _decided(now, given.state, reason, given.pinned)
        if added or removed:
            values["tags"] = tidy([*(tag for tag in now.tags if tag.casefold() not in removed), *added])
        return values

    return wanted


REASON = "A reason says why an insight is dismissed. Dismiss it, or leave the reason out."


def _decided(now: Row[Any], state: State | None, reason: str | Given | None, pinned: bool | None) -> Values:
    values = {name: getattr(now, name) for name in FIELDS}
    if state is not None and state != now.state:
        values |= {"state": state, "reason": None}
    if reason is not NOT_GIVEN:
        if reason is not None and values["state"] != "dismissed":
            raise InvalidInput(REASON)
        values["reason"] = reason
    if pinned is not None:
        values["pinned"] = pinned
    return values


def _text(given: str | Given | None, what: str, most: int) -> str | Given | None:
    return (bounded(given.strip(), what, most) or None) if isinstance(given, str) else given


def tidy(tags: Iterable[str]) -> list[str]:
    """Trimmed, sorted, and each once, as it is written first; case does not tell two apart. Raises InvalidInput."""
    by_name: dict[str, str] = {}
    for tag in tags:
        if written := bounded(" ".join(tag.split()), "A tag", LONGEST_TAG):
            by_name.setdefault(written.casefold(), written)
    if len(by_name) > MOST_TAGS:
        raise InvalidInput(f"An insight has up to {MOST_TAGS} tags. Remove some.")
    return [by_name[name] for name in sorted(by_name)]


def _apply(
    session: Session, change_id: str, action: Action, wanted: Iterable[tuple[Row[Any], Values]]
) -> list[tuple[str, Values, Values]]:
    """Write what differs, with an entry each and all that follows. Returns id, before and after of what changed. The
    caller has locked all around them."""
    changed = []
    for now, values in wanted:
        names = [name for name in FIELDS if values[name] != getattr(now, name)]
        if names:
            changed.append((now, values, {name: getattr(now, name) for name in names}))
    if not changed:
        return []
    columns = {name: [values[name] for _, values, _ in changed] for name in FIELDS}
    columns["tags"] = [json.dumps(tags) for tags in columns["tags"]]
    edits = any("shown" in before for _, _, before in changed)
    sql = WRITE.format(shown="shown = n.shown, " if edits else "")
    db.columns(session, sql, id=[now.id for now, _, _ in changed], **columns)
    entries = [(str(now.id), before, {name: values[name] for name in before}) for now, values, before in changed]
    history.note(session, change_id, action, entries)
    if decided := [insight for insight, before, _ in entries if "state" in before]:
        consequences.of_change(session, decided)
    return entries


# An edit is written only where there is one: it is searched, and so indexed anew.
WRITE = """
UPDATE insight i SET {shown}state = n.state, reason = n.reason, pinned = n.pinned, version = i.version + 1,
  tags = ARRAY(SELECT jsonb_array_elements_text(n.tags::jsonb))
FROM unnest(%(id)s::text[], %(state)s::text[], %(reason)s::text[], %(shown)s::text[], %(tags)s::text[],
  %(pinned)s::bool[]) AS n(id, state, reason, shown, tags, pinned)
WHERE i.id = n.id AND i.workspace_id = %(workspace)s
"""


def bulk(which: Sequence[str] | Filters, given: Set) -> Bulk:
    """Change all that are named, or all that match; what is gone or was merged meanwhile is left out.

    One transaction, in which all of them are locked. Raises InvalidInput.
    """
    wanted = _wanted_of_many(given)
    condition, params = report.matching(which) if isinstance(which, Filters) else (NAMED, {"ids": list(which)})
    change_id = history.new_change()
    with db.transaction() as session:
        _choose(session, condition, params)
        changed = 0
        for block in _blocks(session):
            changed += len(_apply(session, change_id, "change", [(now, wanted(now)) for now in block]))
        if changed:
            # Neither what was searched for nor a reason: an entry outlives the documents whose words these may be.
            said = asdict(given) | {"reason": isinstance(given.reason, str)}
            audit.write(session, "change", "insights", after={"change": change_id, "changed": changed, "set": said})
    return Bulk(change_id if changed else None, changed)


NAMED = "i.id = ANY(:ids) AND i.workspace_id = :workspace AND i.head_id IS NULL"


def undo(change_id: str) -> Undone:
    """Give back what a change of one or many replaced. Undone already: nothing changes. Raises NotFound, Conflict."""
    with db.transaction() as session:
        action = db.scalar(session, ACTION, change=change_id)
        if action is None:
            raise NotFound(f"There is no change {change_id} of an insight that still exists.")
        if action not in ("change", "undo"):
            raise Conflict("A merge is undone by unmerging it, and a settled pair stays settled.")
        _choose(session, NOT_UNDONE, {"change": change_id})
        own_id = history.new_change()
        changed = 0
        for block in _blocks(session):
            ids = [now.id for now in block]
            before = {row.id: row.before for row in db.rows(session, BEFORE, change=change_id, ids=ids)}
            given_back = [({name: getattr(now, name) for name in FIELDS} | before[now.id]) for now in block]
            _apply(session, own_id, "undo", zip(block, given_back, strict=True))
            changed += db.execute(session, UNDONE, change=change_id, ids=ids)
        skipped = db.scalar(session, SKIPPED, change=change_id)
        if changed:
            audit.write(session, "undo", "insights", after={"change": own_id, "undone": change_id, "changed": changed})
    return Undone(changed, skipped)


ACTION = "SELECT action FROM insight_change WHERE change_id = :change AND workspace_id = :workspace LIMIT 1"
NOT_UNDONE = """
i.workspace_id = :workspace AND EXISTS (SELECT 1 FROM insight_change c WHERE c.change_id = :change
  AND c.workspace_id = :workspace AND c.insight_id = i.id AND c.version = i.version AND c.undone_at IS NULL)
"""
BEFORE = """
SELECT insight_id AS id, before FROM insight_change
WHERE change_id = :change AND workspace_id = :workspace AND insight_id = ANY(:ids)
"""
UNDONE = """
UPDATE insight_change SET undone_at = now()
WHERE change_id = :change AND workspace_id = :workspace AND insight_id = ANY(:ids)
"""
SKIPPED = """
SELECT count(*) FROM insight_change WHERE change_id = :change AND workspace_id = :workspace AND undone_at IS NULL
"""


def _choose(session: Session, condition: str, params: Mapping[str, Any]) -> None:
    """Lock all insights i that meet the condition and all around them, in order, and note which. What comes to meet it
    meanwhile is not among them."""
    db.execute(session, "CREATE TEMPORARY TABLE locked_insight (id text PRIMARY KEY) ON COMMIT DROP")
    db.execute(session, "CREATE TEMPORARY TABLE chosen_insight (id text PRIMARY KEY) ON COMMIT DROP")
    db.execute(session, FIRST_CHOICE.format(condition=condition), **params)
    while True:
        db.execute(session, "SAVEPOINT choice")
        db.execute(session, LOCK)
        db.execute(session, "DELETE FROM chosen_insight")
        db.execute(session, CHOICE.format(condition=condition), **params)
        if not db.scalar(session, NOT_LOCKED):
            return
        db.execute(session, "ROLLBACK TO SAVEPOINT choice")
        db.execute(session, FIRST_CHOICE.format(condition=condition) + " ON CONFLICT DO NOTHING", **params)


FIRST_CHOICE = "INSERT INTO chosen_insight SELECT i.id FROM insight i WHERE {condition}"
AROUND = counts.AROUND.format(which="id IN (SELECT id FROM chosen_insight)")
LOCK = f"""
INSERT INTO locked_insight SELECT i.id FROM insight i WHERE i.id IN ({AROUND}) AND i.workspace_id = :workspace
ORDER BY {locks.IN_ORDER} FOR UPDATE
"""
CHOICE = """
INSERT INTO chosen_insight
SELECT i.id FROM insight i WHERE i.id IN (SELECT id FROM locked_insight) AND {condition}
"""
NOT_LOCKED = f"SELECT EXISTS (({AROUND}) EXCEPT SELECT id FROM locked_insight)"


def _blocks(session: Session) -> Iterable[Sequence[Row[Any]]]:
    after = ""
    while block := db.rows(session, CHOSEN, after=after, most=BLOCK):
        yield block
        after = block[-1].id


CHOSEN = """
SELECT i.id, i.statement, i.state, i.reason, i.shown, i.tags, i.pinned
FROM (SELECT id FROM chosen_insight WHERE id > :after ORDER BY id LIMIT :most) c JOIN insight i USING (id)
WHERE i.workspace_id = :workspace ORDER BY i.id
"""
