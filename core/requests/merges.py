"""One answer from the answers of a long document's parts.

A merge is held while its parts are asked. It goes out when all of them have succeeded, and fails when one has failed
for good; a merge may itself be a part of another. Who decides here holds the job, so that the last two parts of a
merge, answered at once, do not each leave it to the other.
"""

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from sqlmodel import Session

from core import providers
from core.asking import prompts, templates
from core.asking.prompts import Asking
from core.requests import former_models
from core.runtime import db, tokens


def settle(session: Session, job_id: str, merge_ids: Collection[int]) -> int:
    """Send those of a job's merges whose parts are all answered, and fail those that lack one. Returns how many go."""
    if not merge_ids:
        return 0
    job = db.row(session, LOCK_JOB, job=job_id)
    decided = db.rows(session, DECIDED, ids=sorted(merge_ids)) if job else []
    ready = [row for row in decided if not row.lacks]
    if ready:
        _release(session, job, ready)
    failed = db.rows(
        session,
        FAIL,
        ids=[row.id for row in decided if row.lacks],
        messages=[f"Part {row.lacks}"[:2000] for row in decided if row.lacks],
    )
    return len(ready) + settle(session, job_id, {row.merge_id for row in failed if row.merge_id})


LOCK_JOB = """
SELECT template_id, template_version, params, provider, model FROM job WHERE id = :job FOR NO KEY UPDATE
"""

# Those that wait, and those that lacked a part which was sent again since. What a former model was asked is made anew.
DECIDED = f"""
SELECT m.id, p.lane, p.lacks FROM request m JOIN job j ON j.id = m.job_id JOIN LATERAL (
  SELECT bool_or(r.state IN ('held', 'pending', 'in_flight', 'answered')) AS open,
    (array_agg(r.lane ORDER BY r.finished_at DESC NULLS LAST))[1] AS lane,
    min(r.custom_id || CASE r.state WHEN 'failed' THEN ' failed: ' || r.error_message
        WHEN 'cancelled' THEN ' was cancelled.' ELSE ' has lost its answer.' END)
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


def _release(session: Session, job: Any, ready: Sequence[Any]) -> None:
    """They go where the last of their parts went."""
    asking = templates.asking(session, job.template_id, job.params, job.template_version)
    answers: dict[int, list[Any]] = {row.id: [] for row in ready}
    for row in db.rows(session, ANSWERS, ids=list(answers)):
        answers[row.merge_id].append(row.result)
    made = [_made(asking, job.provider, job.model, answers[row.id]) for row in ready]
    db.execute(
        session,
        RELEASE,
        ids=[row.id for row in ready],
        lanes=[row.lane for row in ready],
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


def _made(asking: Asking, provider: str, model: str, answers: Sequence[Any]) -> tuple[str, int]:
    """A merge's body and its input tokens."""
    prompt = prompts.build_merge(asking, answers)
    body = providers.keyless(provider).body(prompt, model)
    return orjson.dumps(body).decode(), tokens.count(prompt.asked)


def settle_rest(session: Session, job_id: str) -> bool:
    """Decide the merges of a job that has nothing else to do: the last of their parts ended without an answer."""
    waiting = [row.id for row in db.rows(session, WAITING, job=job_id)]
    settle(session, job_id, waiting)
    return bool(waiting)


WAITING = """
SELECT m.id FROM request m
WHERE m.job_id = :job AND m.state = 'held' AND EXISTS (SELECT 1 FROM request p WHERE p.merge_id = m.id)
  AND NOT EXISTS (SELECT 1 FROM request r WHERE r.job_id = :job AND r.state IN ('pending', 'in_flight', 'answered'))
"""


def hold(session: Session, job_id: str) -> int:
    """Let the merges that never went out wait once more for their parts. Returns how many do.

    Called after the parts that failed were put back.
    """
    held = [row.id for row in db.rows(session, HOLD, job=job_id)]
    settle(session, job_id, held)
    return len(held)


HOLD = """
UPDATE request m SET state = 'held', error_code = NULL, error_message = NULL, finished_at = NULL
WHERE m.job_id = :job AND m.state IN ('failed', 'cancelled')
  AND EXISTS (SELECT 1 FROM request p WHERE p.merge_id = m.id)
  AND NOT EXISTS (SELECT 1 FROM request_body b WHERE b.request_id = m.id)
RETURNING m.id
"""
