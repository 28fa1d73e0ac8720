"""What people make of insights: their state, tags, pins and wording; one at a time or many, and undone as one.

An edit changes what is shown and never what is matched. A merged insight keeps what it is: its head is changed instead.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, Final

from sqlalchemy import Row
from sqlmodel import Session

from core.access import actor, audit
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound
from core.insight_base import consequences, counts, listings, locks, searched
from core.insights import history, report
from core.insights.history import Action
from core.insights.report import Filters, InsightRow
from core.runtime import db
from core.runtime.text import bounded
from core.tables.insights import State

MOST_TAGS, LONGEST_TAG = 20, 50
LONGEST_REASON, LONGEST_WORDING = 500, 2_000
# That are looked at and written at a time; all of them are locked before.
BLOCK = 5_000


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


def change(insight_id: str, given: Change, version: int | None = None) -> InsightRow:
    """Change one insight, if it still is of this version. What is as it was makes no new version and no entry.

    Raises NotFound, InvalidInput, WasMerged and Stale.
    """
    require("insight.change")
    reason = _text(given.reason, "A reason", LONGEST_REASON)
    shown = _text(given.shown, "The wording", LONGEST_WORDING)
    tags = None if given.tags is None else tidy(given.tags)
    with db.transaction() as session:
        if db.scalar(session, "SELECT 1 FROM insight WHERE id = :id AND workspace_id = :workspace", id=insight_id):
            locks.lock_around(session, [insight_id])
        now = db.row(session, NOW, id=insight_id)
        if now is None:
            raise NotFound(f"There is no insight {insight_id}. Its last evidence may have been deleted.")
        _refuse(now, version)
        _check_reason(reason, given.state or now.state)
        wanted = _wanted(given.state, reason, given.pinned, shown, [] if tags is None else [(now.tags, tags)])
        if _apply(session, history.new_change(), "change", WANTED, [insight_id], wanted):
            _write_down(session, insight_id, now, given)
    return report.get(insight_id)


NOW = "SELECT head_id, version, state, quarantined, tags FROM insight WHERE id = :id AND workspace_id = :workspace"


def _refuse(now: Row[Any], version: int | None) -> None:
    if now.head_id is not None:
        merged = WasMerged(f"This insight was merged into {now.head_id}. Change that one, or undo the merge.")
        merged.detail = {"head": now.head_id}
        raise merged
    if version is not None and version != now.version:
        stale = Stale()
        stale.detail = {"version": now.version}
        raise stale


def _check_reason(reason: str | Given | None, state: State | None) -> None:
    if isinstance(reason, str) and state != "dismissed":
        raise InvalidInput("A reason says why an insight is dismissed. Dismiss it, or leave the reason out.")


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


def _wanted(
    state: State | None,
    reason: str | Given | None,
    pinned: bool | None,
    shown: str | Given | None = NOT_GIVEN,
    tags: Sequence[tuple[list[str], list[str]]] = (),
) -> dict[str, Any]:
    """`tags`: those that insights have, and will have instead."""
    return {
        "state": state,
        "reason": reason if isinstance(reason, str) else None,
        "reason_given": reason is not NOT_GIVEN,
        "shown": shown if isinstance(shown, str) else None,
        "shown_given": shown is not NOT_GIVEN,
        "pinned": pinned,
        "tags": json.dumps(list(tags)),
    }


# A reason belongs to what is dismissed: with another state it goes.
WANTED = """
SELECT i.id, coalesce(CAST(:state AS text), i.state) AS state, coalesce(CAST(:pinned AS bool), i.pinned) AS pinned,
  CASE WHEN :reason_given THEN CAST(:reason AS text) WHEN i.state = coalesce(CAST(:state AS text), i.state)
    THEN i.reason END AS reason,
  CASE WHEN :shown_given THEN nullif(CAST(:shown AS text), i.statement) ELSE i.shown END AS shown,
  coalesce(t.tags, i.tags) AS tags
FROM insight i LEFT JOIN (
  SELECT ARRAY(SELECT jsonb_array_elements_text(one->0)) AS before,
    ARRAY(SELECT jsonb_array_elements_text(one->1)) AS tags
  FROM jsonb_array_elements(CAST(:tags AS jsonb)) one
) t ON t.before = i.tags
WHERE i.id = ANY(:ids) AND i.workspace_id = :workspace
"""


def _apply(
    session: Session, change_id: str, action: Action, wanted: str, ids: Sequence[str], given: Mapping[str, Any]
) -> int:
    """Make insights what the statement `wanted` says, with an entry for each that changes, and all that follows.
    Returns how many changed. The caller has locked all around them."""
    said = {"change": change_id, "action": action, "actor": actor.current()}
    changed = db.rows(session, APPLY.format(wanted=wanted), ids=list(ids), **said, **given)
    edited = [row.id for row in changed if row.edited]
    if edited:
        db.execute(session, EDIT, ids=edited, change=change_id)
        searched.write(session, edited)
    if retagged := [row.id for row in changed if row.retagged]:
        listings.retag(session, retagged)
    if decided := [row.id for row in changed if row.decided]:
        consequences.of_change(session, decided)
    return len(changed)


def _side(of: str) -> str:
    """The fields that change, as JSON."""
    return " || ".join(ONE_FIELD.format(name=name, of=of) for name in ("state", "reason", "shown", "tags", "pinned"))


ONE_FIELD = """
CASE WHEN i.{name} IS DISTINCT FROM w.{name} THEN jsonb_build_object('{name}', {of}.{name})
  ELSE jsonb_build_object() END"""
APPLY = f"""
WITH wanted AS MATERIALIZED ({{wanted}}), differs AS MATERIALIZED (
  SELECT w.*, i.version + 1 AS version, {_side("i")} AS before, {_side("w")} AS after
  FROM wanted w JOIN insight i USING (id)
  WHERE i.workspace_id = :workspace
    AND (i.state, i.reason, i.shown, i.tags, i.pinned) IS DISTINCT FROM (w.state, w.reason, w.shown, w.tags, w.pinned)
), changed AS (
  UPDATE insight i SET state = d.state, reason = d.reason, tags = d.tags, pinned = d.pinned, version = d.version
  FROM differs d WHERE i.id = d.id AND i.workspace_id = :workspace
), noted AS (
  INSERT INTO insight_change (change_id, workspace_id, insight_id, actor, action, before, after, version)
  SELECT :change, :workspace, id, :actor, :action, before, after, version FROM differs
)
SELECT id, before ? 'state' AS decided, before ? 'shown' AS edited, before ? 'tags' AS retagged FROM differs
"""
EDIT = """
UPDATE insight i SET shown = c.after->>'shown' FROM insight_change c
WHERE c.change_id = :change AND c.insight_id = i.id AND i.id = ANY(:ids) AND i.workspace_id = :workspace
"""


def bulk(which: Sequence[str] | Filters, given: Set) -> Bulk:
    """Change all that are named, or all that match; what is gone or was merged meanwhile is left out.

    One transaction, in which all of them are locked. Raises InvalidInput.
    """
    require("insight.change")
    reason = _text(given.reason, "A reason", LONGEST_REASON)
    _check_reason(reason, given.state)
    added, removed = tidy(given.add_tags), {tag.casefold() for tag in tidy(given.remove_tags)}
    condition, params = report.matching(which) if isinstance(which, Filters) else (NAMED, {"ids": list(which)})
    change_id = history.new_change()
    with db.transaction() as session:
        _choose(session, condition, params)
        accepted = db.scalar(session, QUARANTINED) if given.state == "confirmed" else 0
        changed = 0
        for ids in _blocks(session):
            tags = _retagged(session, ids, added, removed) if added or removed else []
            wanted = _wanted(given.state, reason, given.pinned, tags=tags)
            changed += _apply(session, change_id, "change", WANTED, ids, wanted)
        if changed:
            # Neither what was searched for nor a reason: an entry outlives the documents whose words these may be.
            said = asdict(given) | {"reason": isinstance(given.reason, str)}
            after = {"change": change_id, "changed": changed, "accepted": accepted, "set": said}
            audit.write(session, CALLED.get(given.state or "", "insight.change"), "insights", after=after)
    return Bulk(change_id if changed else None, changed)


# What the audit calls a change of the state, by the state that it gives.
CALLED = {"confirmed": "insight.confirm", "dismissed": "insight.dismiss"}


def _write_down(session: Session, insight_id: str, before: Row[Any], given: Change) -> None:
    """No wording, tag or reason: an entry outlives the documents whose words these may be."""
    was = {"state": before.state, "quarantined": before.quarantined}
    is_set = sorted(one.name for one in fields(given) if getattr(given, one.name) not in (None, NOT_GIVEN))
    after = {"state": given.state or before.state, "set": is_set}
    action = CALLED.get(given.state or "", "insight.change")
    audit.write(session, action, "insight", insight_id, before=was, after=after)


def _retagged(
    session: Session, ids: Sequence[str], added: Sequence[str], removed: Container[str]
) -> list[tuple[list[str], list[str]]]:
    found = [row.tags for row in db.rows(session, TAGS, ids=list(ids))]
    return [(tags, tidy([*(tag for tag in tags if tag.casefold() not in removed), *added])) for tags in found]


TAGS = "SELECT DISTINCT tags FROM insight WHERE id = ANY(:ids) AND workspace_id = :workspace"
# That leave quarantine by being confirmed.
QUARANTINED = """
SELECT count(*) FROM insight i JOIN chosen_insight c ON c.id = i.id
WHERE i.quarantined AND i.state <> 'confirmed' AND i.workspace_id = :workspace
"""
NAMED = "i.id = ANY(:ids) AND i.workspace_id = :workspace AND i.head_id IS NULL"


def undo(change_id: str) -> Undone:
    """Give back what a change of one or many replaced. Undone already: nothing changes. Raises NotFound, Conflict."""
    require("insight.change")
    with db.transaction() as session:
        action = db.scalar(session, ACTION, change=change_id)
        if action is None:
            raise NotFound(f"There is no change {change_id} of an insight that still exists.")
        if action not in ("change", "undo"):
            raise Conflict("A merge is undone by unmerging it, and a settled pair stays settled.")
        _choose(session, NOT_UNDONE, {"change": change_id})
        own_id = history.new_change()
        changed = 0
        for ids in _blocks(session):
            changed += _apply(session, own_id, "undo", BEFORE, ids, {"undone": change_id})
            db.execute(session, UNDONE, change=change_id, ids=ids)
        skipped = db.scalar(session, SKIPPED, change=change_id)
        if changed:
            told = {"change": own_id, "undone": change_id, "changed": changed}
            audit.write(session, "insight.undo", "insights", after=told)
    return Undone(changed, skipped)


ACTION = "SELECT action FROM insight_change WHERE change_id = :change AND workspace_id = :workspace LIMIT 1"
NOT_UNDONE = """
i.workspace_id = :workspace AND EXISTS (SELECT 1 FROM insight_change c WHERE c.change_id = :change
  AND c.workspace_id = :workspace AND c.insight_id = i.id AND c.version = i.version AND c.undone_at IS NULL)
"""
BEFORE = """
SELECT i.id, coalesce(c.before->>'state', i.state) AS state,
  CASE WHEN c.before ? 'reason' THEN c.before->>'reason' ELSE i.reason END AS reason,
  CASE WHEN c.before ? 'shown' THEN c.before->>'shown' ELSE i.shown END AS shown,
  CASE WHEN c.before ? 'tags' THEN ARRAY(SELECT jsonb_array_elements_text(c.before->'tags')) ELSE i.tags END AS tags,
  coalesce(CAST(c.before->>'pinned' AS bool), i.pinned) AS pinned
FROM insight_change c JOIN insight i ON i.id = c.insight_id AND i.workspace_id = :workspace
WHERE c.change_id = :undone AND c.insight_id = ANY(:ids)
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
    db.execute(session, "ANALYZE chosen_insight")
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


def _blocks(session: Session) -> Iterator[list[str]]:
    after = ""
    while ids := [row.id for row in db.rows(session, CHOSEN, after=after, most=BLOCK)]:
        yield ids
        after = ids[-1]


CHOSEN = "SELECT id FROM chosen_insight WHERE id > :after ORDER BY id LIMIT :most"
