"""Merges: requests that make one answer of the answers to a long document's parts.

A merge is held while its parts are asked. It is released when all of them have succeeded, and fails when one of them
has failed for good; a merge may itself be a part of another. The decision locks the job: else the transactions of a
merge's last two parts could each miss the other's answer, and neither would release it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlmodel import Session

from core.asking import prompt_canary, prompts, templates
from core.asking.prompts import Asking
from core.requests import former_models
from core.runtime import db, tokens
from core.settings import provider_rows


@dataclass(frozen=True)
class MergingJob:
    template_id: str
    template_version: int
    params: dict[str, Any]
    sampling: dict[str, Any] | None
    provider: str
    model: str


@dataclass(frozen=True)
class Decided:
    """A merge whose parts have all ended. `lacks` tells of a part without a usable answer by its number, and why."""

    id: int
    lane: str
    lacks: str | None


def decide(session: Session, job_id: str, merge_ids: Collection[int]) -> int:
    """Release the merges whose parts have all succeeded, and fail those with a part that has failed for good.

    Returns how many were released.
    """
    if not merge_ids:
        return 0
    locked = db.row(session, LOCK_JOB, job=job_id)
    if locked is None:
        return 0
    decided = [Decided(**row._mapping) for row in db.rows(session, DECIDED, ids=sorted(merge_ids))]
    ready = [merge for merge in decided if not merge.lacks]
    if ready:
        _release(session, MergingJob(**locked._mapping), ready)
    failed = db.rows(
        session,
        FAIL,
        ids=[merge.id for merge in decided if merge.lacks],
        messages=[merge.lacks[:2000] for merge in decided if merge.lacks],
    )
    return len(ready) + decide(session, job_id, {row.merge_id for row in failed if row.merge_id})


LOCK_JOB = """
SELECT template_id, template_version, params, sampling, provider, model FROM job WHERE id = :job FOR NO KEY UPDATE
"""

# A part as people count it, a merge of some of them without a number: their ids are made of the document's.
PART = r"""concat_ws(' ', 'Part', substring(r.custom_id FROM '\.([0-9]+(?:\.[0-9]+)*)$'))"""

# Merges that wait, and merges that failed for a part which was sent again since. Those of a former model are left out:
# their documents are made anew.
DECIDED = f"""
SELECT m.id, p.lane, p.lacks FROM request m JOIN job j ON j.id = m.job_id JOIN LATERAL (
  SELECT bool_or(r.state IN ('held', 'pending', 'in_flight', 'answered')) AS open,
    (array_agg(r.lane ORDER BY r.finished_at DESC NULLS LAST))[1] AS lane,
    min(CASE WHEN r.error_code = 'part_failed' THEN r.error_message ELSE {PART} || CASE r.state
        WHEN 'failed' THEN ' failed: ' || r.error_message WHEN 'cancelled' THEN ' was cancelled.'
        ELSE ' has lost its answer.' END END)
      FILTER (WHERE r.state <> 'succeeded' OR s.result IS NULL) AS lacks
  FROM request r LEFT JOIN response s ON s.id = r.response_id WHERE r.merge_id = m.id
) p ON true
WHERE m.id = ANY(:ids) AND m.id > {former_models.UNTIL} AND NOT p.open
  AND (m.state = 'held' OR m.state = 'failed' AND m.error_code = 'part_failed')
ORDER BY m.id
"""

FAIL = """
UPDATE request r SET state = 'failed', error_code = 'part_failed', error_message = i.message, finished_at = now()
FROM unnest(CAST(:ids AS bigint[]), CAST(:messages AS text[])) AS i(id, message) WHERE r.id = i.id AND r.state = 'held'
RETURNING r.merge_id
"""


def _release(session: Session, job: MergingJob, ready: Sequence[Decided]) -> None:
    """A merge takes the lane in which the last of its parts was answered."""
    asking = templates.of_job(session, job)
    answers: dict[int, list[Any]] = {merge.id: [] for merge in ready}
    for row in db.rows(session, ANSWERS, ids=list(answers)):
        answers[row.merge_id].append(row.result)
    word = prompt_canary.of_installation(session)
    made = [_made(asking, job.provider, job.model, answers[merge.id], word) for merge in ready]
    db.execute(
        session,
        RELEASE,
        ids=[merge.id for merge in ready],
        lanes=[merge.lane for merge in ready],
        tokens=[counted for _, counted in made],
        bodies=[body for body, _ in made],
    )


ANSWERS = """
SELECT p.merge_id, s.result FROM request p JOIN response s ON s.id = p.response_id
WHERE p.merge_id = ANY(:ids) ORDER BY p.id
"""

RELEASE = """
WITH made AS (
  SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:lanes AS text[]), CAST(:tokens AS int[]), CAST(:bodies AS text[]))
    AS t(id, lane, tokens, body)
), released AS (
  UPDATE request r SET state = 'pending', lane = made.lane, input_tokens = made.tokens,
    body_bytes = octet_length(made.body), error_code = NULL, error_message = NULL, finished_at = NULL
  FROM made WHERE r.id = made.id AND r.state IN ('held', 'failed') RETURNING r.id
)
INSERT INTO request_body (request_id, body) SELECT id, CAST(body AS json) FROM made JOIN released USING (id)
"""


def _made(asking: Asking, provider: str, model: str, answers: Sequence[Any], word: str) -> tuple[str, int]:
    """The body of a merge as JSON, and its input tokens."""
    prompt = prompts.build_merge(asking, answers, canary=word)
    body = provider_rows.keyless(provider).body(prompt, model)
    return orjson.dumps(body).decode(), tokens.count(prompt.asked)


def decide_rest(session: Session, job_id: str) -> bool:
    """Decide the merges of a job in which nothing else is left to do; the last of their parts ended without an answer.

    Returns whether there were any.
    """
    waiting = [row.id for row in db.rows(session, WAITING, job=job_id)]
    decide(session, job_id, waiting)
    return bool(waiting)


WAITING = """
SELECT m.id FROM request m
WHERE m.job_id = :job AND m.state = 'held' AND EXISTS (SELECT 1 FROM request p WHERE p.merge_id = m.id)
  AND NOT EXISTS (SELECT 1 FROM request r WHERE r.job_id = :job AND r.state IN ('pending', 'in_flight', 'answered'))
"""


def hold(session: Session, job_id: str) -> int:
    """Hold again the merges that never went out, after their failed parts were put back. Returns how many.

    Not those with a part that stays as it is: they would fail again. A merge may be a part of another.
    """
    held: list[int] = []
    while found := [row.id for row in db.rows(session, HOLD, job=job_id)]:
        held += found
    decide(session, job_id, held)
    return len(held)


HOLD = """
UPDATE request m SET state = 'held', error_code = NULL, error_message = NULL, finished_at = NULL
WHERE m.job_id = :job AND m.state IN ('failed', 'cancelled')
  AND EXISTS (SELECT 1 FROM request p WHERE p.merge_id = m.id)
  AND NOT EXISTS (SELECT 1 FROM request p WHERE p.merge_id = m.id AND p.state IN ('failed', 'cancelled'))
  AND NOT EXISTS (SELECT 1 FROM request_body b WHERE b.request_id = m.id)
RETURNING m.id
"""
