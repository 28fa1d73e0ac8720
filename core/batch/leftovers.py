"""Leftovers: the requests that a batch did not answer. They are sent again, go live, or fail and wait for a person."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from core.runtime import db
from core.tables.jobs import CANCELLED

# How often, by default, a request is sent again whose error may pass, whose line is missing or could not be read.
RETRIES = 2


@dataclass(frozen=True)
class LeftoverRule:
    """How often a leftover is sent again without a person; None: never.

    `passing` counts for errors that may pass, missing and unreadable lines, `cut_short` for expired and cancelled
    requests. After that `then_live` sends it once more in the live lane. `dropped`: the job is cancelled, and its
    leftovers are, too.
    """

    passing: int | None = None
    cut_short: int | None = None
    then_live: bool = False
    dropped: bool = False


def rule(
    job_state: str | None, leftovers: Mapping[str, Any] | None, deadline: datetime | None, at: datetime
) -> LeftoverRule:
    """The rule of a job at this moment. After its deadline nothing is sent again without a person."""
    if job_state in (None, *CANCELLED):
        return LeftoverRule(dropped=True)
    if job_state not in ("running", "paused") or (deadline is not None and at >= deadline):
        return LeftoverRule()
    if leftovers is None:
        return LeftoverRule(passing=RETRIES)
    retries = int(leftovers["retries"])
    return LeftoverRule(passing=retries, cut_short=retries, then_live=bool(leftovers["then_live"]))


@dataclass(frozen=True)
class Leftover:
    """A request without an answer and why. `times`: how often the rule sends it again; None: never."""

    request_id: int
    attempt: int
    code: str
    message: str
    times: int | None


class Left(NamedTuple):
    """A row that LEAVE returns: a leftover with its next state."""

    id: int
    attempt: int
    state: str


def leave(
    session: Session, batch_id: str, rule: LeftoverRule, left: Sequence[Leftover], at: datetime
) -> dict[tuple[int, int], str]:
    """Move these requests on where they are still in flight in this batch. Returns the next state by (id, attempt)."""
    columns = {
        "request": [one.request_id for one in left],
        "attempt": [one.attempt for one in left],
        "code": [one.code for one in left],
        "message": [one.message[:2000] for one in left],
        "times": [one.times for one in left],
    }
    return {(row.id, row.attempt): row.state for row in _leave(session, NAMED, columns, batch_id, rule, at)}


def leave_rest(
    session: Session, batch_id: str, rule: LeftoverRule, code: str, message: str, times: int | None, at: datetime
) -> Counter[str]:
    """Move on all requests that are still in flight in this batch. Returns how many are in each next state."""
    columns = {"code": code, "message": message[:2000], "times": times}
    return Counter(row.state for row in _leave(session, REST, columns, batch_id, rule, at))


def _leave(
    session: Session, source: str, columns: Mapping[str, Any], batch_id: str, rule: LeftoverRule, at: datetime
) -> list[Left]:
    values = {**columns, "batch": batch_id, "then_live": rule.then_live, "dropped": rule.dropped, "at": at}
    found = db.columns(session, LEAVE.format(source=source), **values)
    return [Left(row.id, row.attempts, row.state) for row in found]


# Where LEAVE takes its leftovers from: those given by name, or all that are in flight.
NAMED = """
SELECT * FROM unnest(%(request)s::bigint[], %(attempt)s::int[], %(code)s::text[], %(message)s::text[],
  %(times)s::int[]) AS t(id, attempt, code, message, times)
"""
REST = """
SELECT id, attempts AS attempt, %(code)s::text AS code, %(message)s::text AS message, %(times)s::int AS times
FROM request WHERE provider_batch_id = %(batch)s AND state = 'in_flight'
"""
# Decide each leftover's next state and write it. A request that is asked again keeps its error, which its question is
# repaired with. The CASE keeps the planner to the primary key; by the batch's index it would read the whole batch.
LEAVE = """
UPDATE request r SET
  state = CASE WHEN d.next IN ('batch', 'live') THEN 'pending' ELSE d.next END,
  lane = CASE WHEN d.next = 'live' THEN 'live' ELSE r.lane END,
  resent = r.resent + CASE WHEN d.next IN ('batch', 'live') THEN 1 ELSE 0 END,
  provider_batch_id = CASE WHEN d.next IN ('batch', 'live') THEN NULL ELSE r.provider_batch_id END,
  worker_id = NULL,
  error_code = CASE WHEN d.next = 'failed' OR d.code = 'context_too_long' THEN d.code
    WHEN r.asked_again THEN r.error_code END,
  error_message = CASE WHEN d.next = 'failed' OR d.code = 'context_too_long' THEN d.message
    WHEN r.asked_again THEN r.error_message END,
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
