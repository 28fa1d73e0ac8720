"""What becomes of a batch's requests that it did not answer: out again by themselves, live, or a person's to decide."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core.runtime import db
from core.tables.jobs import CANCELLED

# By default what failed for a passing reason, is missing or could not be read goes out again so often.
RETRIES = 2


@dataclass(frozen=True)
class Rule:
    """How often what is left over goes out again by itself; None: not at all.

    `passing` is for passing errors, missing and unreadable lines, `cut_short` for what expired or was cancelled. After
    that, with `then_live`, once more in the live lane. `dropped`: the job was cancelled and asks nothing again.
    """

    passing: int | None = None
    cut_short: int | None = None
    then_live: bool = False
    dropped: bool = False


def rule(job_state: str | None, leftovers: Mapping[str, Any] | None, deadline: datetime | None, at: datetime) -> Rule:
    """The rule of a job at this moment. Nothing goes out by itself once its deadline has passed."""
    if job_state in (None, *CANCELLED):
        return Rule(dropped=True)
    if job_state not in ("running", "paused") or (deadline is not None and at >= deadline):
        return Rule()
    if leftovers is None:
        return Rule(passing=RETRIES)
    retries = int(leftovers["retries"])
    return Rule(passing=retries, cut_short=retries, then_live=bool(leftovers["then_live"]))


@dataclass(frozen=True)
class Leftover:
    """`times` is how often the rule sends such a one again; None: never."""

    request_id: int
    attempt: int
    code: str
    message: str
    times: int | None


def leave(
    session: Session, batch_id: str, rule: Rule, left: Sequence[Leftover], at: datetime
) -> dict[tuple[int, int], str]:
    """The next state of each that was still in flight in this batch."""
    columns = {
        "request": [one.request_id for one in left],
        "attempt": [one.attempt for one in left],
        "code": [one.code for one in left],
        "message": [one.message[:2000] for one in left],
        "times": [one.times for one in left],
    }
    return {(row.id, row.attempts): row.state for row in _leave(session, NAMED, columns, batch_id, rule, at)}


def leave_rest(
    session: Session, batch_id: str, rule: Rule, code: str, message: str, times: int | None, at: datetime
) -> Counter[str]:
    """All that are still in flight in this batch, by their next state."""
    columns = {"code": code, "message": message[:2000], "times": times}
    return Counter(row.state for row in _leave(session, REST, columns, batch_id, rule, at))


def _leave(
    session: Session, source: str, columns: Mapping[str, Any], batch_id: str, rule: Rule, at: datetime
) -> list[Any]:
    values = {**columns, "batch": batch_id, "then_live": rule.then_live, "dropped": rule.dropped, "at": at}
    return db.columns(session, LEAVE.format(source=source), **values)


NAMED = """
SELECT * FROM unnest(%(request)s::bigint[], %(attempt)s::int[], %(code)s::text[], %(message)s::text[],
  %(times)s::int[]) AS t(id, attempt, code, message, times)
"""
REST = """
SELECT id, attempts AS attempt, %(code)s::text AS code, %(message)s::text AS message, %(times)s::int AS times
FROM request WHERE provider_batch_id = %(batch)s AND state = 'in_flight'
"""
# One that is asked again keeps the error that its question is to be repaired by. The CASE keeps the planner to the
# primary key: by the batch's index it would read all of a batch for some lines of it.
LEAVE = """
UPDATE request r SET
  state = CASE WHEN d.next IN ('batch', 'live') THEN 'pending' ELSE d.next END,
  lane = CASE WHEN d.next = 'live' THEN 'live' ELSE r.lane END,
  resent = r.resent + CASE WHEN d.next IN ('batch', 'live') THEN 1 ELSE 0 END,
  provider_batch_id = CASE WHEN d.next IN ('batch', 'live') THEN NULL ELSE r.provider_batch_id END,
  worker_id = NULL,
  error_code = CASE WHEN d.next = 'failed' THEN d.code WHEN r.asked_again THEN r.error_code END,
  error_message = CASE WHEN d.next = 'failed' THEN d.message WHEN r.asked_again THEN r.error_message END,
  finished_at = CASE WHEN d.next IN ('failed', 'cancelled') THEN %(at)s::timestamptz END
FROM (
  SELECT o.id, l.attempt, l.code, l.message, CASE
    WHEN %(dropped)s THEN 'cancelled'
    WHEN l.times IS NULL THEN 'failed'
    WHEN o.resent < l.times THEN 'batch'
    WHEN o.resent = l.times AND %(then_live)s THEN 'live'
    ELSE 'failed' END AS next
  FROM request o JOIN ({source}) l ON l.id = o.id
) d
WHERE r.id = d.id AND r.attempts = d.attempt AND CASE r.provider_batch_id WHEN %(batch)s THEN r.state = 'in_flight' END
RETURNING r.id, r.attempts, r.state
"""
