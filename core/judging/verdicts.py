"""Read the answers of a judge, and carry out its verdicts.

A verdict counts only with words of each side that decide it and stand there; without them there is none, and the pair
stays open. It settles what a person would settle, never by force, and never what a person decided meanwhile. Each pair
is settled and marked as read in one transaction, so reading that is broken off goes on where it was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Row
from sqlmodel import Session

from core.access import actor
from core.errors import Conflict, InvalidInput
from core.insight_base import locks
from core.insights import review
from core.insights.review import Judged
from core.judging import grounds
from core.requests import finishing
from core.runtime import db, workspace
from core.tables.insights import Verdict
from core.tables.judging import Outcome

AT_ONCE = 200


@dataclass(frozen=True)
class Said:
    """What a model said of one pair: of `a`, with the words of each side that decide."""

    verdict: Verdict
    grounds: tuple[str, str]


def read_some() -> int:
    """Carry out some verdicts that are not read yet, and end the jobs that are done by that. Returns how many were
    read; 0 when none is left that nobody else is at."""
    with db.transaction(everywhere=True) as session:
        unread = db.rows(session, UNREAD, most=AT_ONCE)
    read = 0
    for row in unread:
        with workspace.bound(row.workspace_id), actor.labelled(f"{row.model} (judge)"):
            read += _read(row)
    with db.transaction(everywhere=True) as session:
        for job_id in sorted({row.job_id for row in unread}):
            finishing.finish_if_done(session, job_id)
    return read


UNREAD = """
SELECT q.request_id, q.number, q.workspace_id, q.pair_id, q.a, q.b, r.job_id, j.model, s.result
FROM judged_pair q JOIN request r ON r.id = q.request_id JOIN job j ON j.id = r.job_id
LEFT JOIN response s ON s.id = r.response_id
WHERE q.outcome IS NULL AND r.state = 'succeeded' ORDER BY q.request_id, q.number LIMIT :most
"""


def _read(row: Row[Any]) -> bool:
    said = verdict_of(row.result or {}, row.number)
    with db.transaction(everywhere=True) as session:
        # Insights first: who deletes one forgets then what was asked of it.
        pair = _locked(session, row.pair_id) if said else None
        if db.scalar(session, CLAIM, request=row.request_id, number=row.number) is None:
            return False
        outcome: Outcome = "undecided" if said is None else _carry_out(session, row, said, pair)
        db.execute(
            session,
            WRITE,
            request=row.request_id,
            number=row.number,
            outcome=outcome,
            verdict=said and said.verdict,
            grounds=said and pair and json.dumps(said.grounds),
        )
        return True


CLAIM = """
SELECT 1 FROM judged_pair WHERE request_id = :request AND number = :number AND outcome IS NULL
  AND workspace_id = :workspace FOR UPDATE SKIP LOCKED
"""
WRITE = """
UPDATE judged_pair SET outcome = :outcome, verdict = :verdict, grounds = CAST(:grounds AS jsonb)
WHERE request_id = :request AND number = :number AND workspace_id = :workspace
"""


def verdict_of(result: Mapping[str, Any], number: int) -> Said | None:
    """What a validated answer says of the pair of this number: nothing where it is unsure, or says two things. Pure."""
    found = [one for one in result.get("verdicts", ()) if one["pair"] == number]
    if len({one["verdict"] for one in found}) != 1 or found[0]["verdict"] not in get_args(Verdict):
        return None
    return Said(found[0]["verdict"], (found[0]["a_words"], found[0]["b_words"]))


def founded(said: Said, statements: tuple[str, str]) -> bool:
    """Whether the words that decide stand in the statements, on word boundaries. Words that both have tell them not
    apart: they decide nothing but that both say the same. Pure."""
    if said.verdict != "same" and grounds.shared(said.grounds, statements):
        return False
    return all(grounds.span(words, one) for words, one in zip(said.grounds, statements, strict=True))


def _locked(session: Session, pair_id: str) -> Row[Any] | None:
    """The pair, with all insights around it locked; None where it is deleted."""
    pair = db.row(session, PAIR, pair=pair_id)
    if pair is None:
        return None
    locks.lock_around(session, [pair.first, pair.second])
    return db.row(session, PAIR, pair=pair_id)


def _carry_out(session: Session, row: Row[Any], said: Said, pair: Row[Any] | None) -> Outcome:
    if pair is None or pair.state != "open" or (pair.a, pair.b) != (row.a, row.b):
        return "late"
    if not founded(said, (pair.a_statement, pair.b_statement)):
        return "unfounded"
    dismissed = {pair.a_state, pair.b_state} & {"dismissed"} and pair.a_state != pair.b_state
    if said.verdict == "same" and dismissed:
        return "refused"
    # What a person confirmed keeps its wording.
    confirmed = [id_ for id_, state in ((pair.a, pair.a_state), (pair.b, pair.b_state)) if state == "confirmed"]
    keep = confirmed[0] if len(confirmed) == 1 and said.verdict == "same" else None
    try:
        with session.begin_nested():
            review.settle_within(session, row.pair_id, said.verdict, keep, judged=Judged(row.job_id, said.grounds))
    except (Conflict, InvalidInput):
        return "refused"
    return "settled"


PAIR = """
SELECT p.first, p.second, p.state, a.id AS a, b.id AS b, a.statement AS a_statement, b.statement AS b_statement,
  a.state AS a_state, b.state AS b_state
FROM pair p JOIN insight f ON f.id = p.first JOIN insight s ON s.id = p.second
JOIN insight a ON a.id = coalesce(f.head_id, f.id) JOIN insight b ON b.id = coalesce(s.head_id, s.id)
WHERE p.id = :pair AND p.workspace_id = :workspace
"""
