"""From a job and its documents to requests, and the end of a job.

A fingerprint is the hash of everything that decides an answer: provider and base URL, the body built around an empty
document (prompt, schema, model, limits), the template version, and the hash of the document's text. So the database
can tell what was answered before without building a single body.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlmodel import Session

from core import db, prompts, tokens
from core.models import JobEvent
from core.prompts import Asking
from core.providers.models import context_tokens
from core.providers.types import Provider

CHUNK = 50
# Counts are OpenAI's; other tokenizers differ by some percent, and a body has some tokens around its texts.
CONTEXT_MARGIN = 0.9


@dataclass(frozen=True)
class Forecast:
    """`requests` of which `reused` are answered already and `calls` are to be paid; `waiting` are not extracted yet."""

    requests: int
    reused: int
    calls: int
    waiting: int
    too_long: int
    input_tokens: int


def prefix(asking: Asking, provider: Provider, model: str) -> str:
    """The part of the fingerprint that all documents of a job share."""
    empty = provider.body(prompts.build(asking, "", "0" * 64), model)
    known = [provider.name, provider.base_url, empty, asking.template_id, asking.version]
    return hashlib.sha256(orjson.dumps(known, option=orjson.OPT_SORT_KEYS)).hexdigest()


def fingerprint(prefix: str, text_sha256: str) -> str:
    return hashlib.sha256(f"{prefix}{text_sha256}".encode()).hexdigest()


def overhead(asking: Asking) -> int:
    """Input tokens of a request beside its document."""
    prompt = prompts.build(asking, "", "0" * 64)
    return tokens.count(prompt.system + prompt.user + json.dumps(prompt.schema))


def budget(asking: Asking, provider: Provider, model: str) -> int:
    """How many tokens a document may have to fit the model's context."""
    room = context_tokens(provider.name, model) - asking.max_output_tokens - overhead(asking)
    return int(room * CONTEXT_MARGIN)


def forecast(
    session: Session, chosen: Sequence[str] | str, asking: Asking, provider: Provider, model: str, *, reuse: bool
) -> Forecast:
    """Of documents by their ids, or of a collection by its name: thousands of ids take longer to send than to find."""
    condition = COLLECTION if isinstance(chosen, str) else "d.id = ANY(:chosen)"
    found = db.row(
        session,
        FORECAST.format(condition=condition),
        chosen=chosen,
        prefix=prefix(asking, provider, model),
        reuse=reuse,
        overhead=overhead(asking),
        budget=budget(asking, provider, model),
    )
    assert found is not None
    return Forecast(**found._mapping)


COLLECTION = "d.collection_id = (SELECT id FROM collection WHERE name = :chosen)"
# Twins within the job count as reused, too: their text is asked once.
FORECAST = """
WITH chosen AS (
  SELECT d.id, d.state, coalesce(d.tokens, 0) AS tokens, t.sha256,
    encode(sha256(convert_to(:prefix || t.sha256, 'UTF8')), 'hex') AS fingerprint
  FROM document d LEFT JOIN document_text t ON t.document_id = d.id
  WHERE {condition} AND d.state <> 'failed'
), asked AS (
  SELECT c.*, c.state = 'ready' AND c.tokens > :budget AS too_long,
    c.state = 'ready' AND :reuse AND (
      EXISTS (SELECT 1 FROM response s WHERE s.fingerprint = c.fingerprint AND s.verdict = 'ok')
      OR row_number() OVER (PARTITION BY c.sha256 ORDER BY c.id) > 1) AS reused
  FROM chosen c
)
SELECT count(*)::int AS requests,
  count(*) FILTER (WHERE reused AND NOT too_long)::int AS reused,
  count(*) FILTER (WHERE NOT reused AND NOT too_long)::int AS calls,
  count(*) FILTER (WHERE state <> 'ready')::int AS waiting,
  count(*) FILTER (WHERE too_long)::int AS too_long,
  coalesce(sum(tokens + :overhead) FILTER (WHERE NOT reused AND NOT too_long), 0)::bigint AS input_tokens
FROM asked
"""


def expand(session: Session, job_id: str, asking: Asking, provider: Provider, model: str, lane: str) -> int:
    """Make the requests of one chunk of ready documents. Returns how many documents were dealt with."""
    ready = db.rows(session, READY, job=job_id, limit=CHUNK)
    if not ready:
        return 0
    shared, extra, limit = prefix(asking, provider, model), overhead(asking), budget(asking, provider, model)
    usable = [row for row in ready if row.state == "ready"]
    fits = [row.tokens <= limit for row in usable]
    built = [prompts.build(asking, row.text, row.sha256) for row in usable]
    session.connection().exec_driver_sql(
        MAKE_REQUESTS,
        {
            "job": job_id,
            "lane": lane,
            "document": [row.id for row in usable],
            "fingerprint": [fingerprint(shared, row.sha256) for row in usable],
            "tokens": [row.tokens + extra for row in usable],
            "state": ["pending" if fit else "failed" for fit in fits],
            "code": [None if fit else "document_too_long" for fit in fits],
            "message": [
                None if fit else _too_long(row.tokens, limit, model) for row, fit in zip(usable, fits, strict=True)
            ],
            "body": [orjson.dumps(provider.body(prompt, model)).decode() for prompt in built],
        },
    )
    _leave_out(session, job_id, [row.name for row in ready if row.state == "failed"])
    db.execute(
        session,
        "UPDATE job_document SET expanded = true WHERE job_id = :job AND document_id = ANY(:ids)",
        job=job_id,
        ids=[row.id for row in ready],
    )
    return len(ready)


# A document that is being deleted gets no request any more.
READY = """
SELECT d.id, d.name, d.state, d.tokens, t.text, t.sha256
FROM job_document jd JOIN document d ON d.id = jd.document_id
LEFT JOIN document_text t ON t.document_id = d.id
WHERE jd.job_id = :job AND NOT jd.expanded AND d.state IN ('ready', 'failed')
ORDER BY d.id LIMIT :limit FOR UPDATE OF jd SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED
"""

MAKE_REQUESTS = """
WITH incoming AS (
  SELECT * FROM unnest(%(document)s::text[], %(fingerprint)s::text[], %(tokens)s::int[], %(state)s::text[],
    %(code)s::text[], %(message)s::text[], %(body)s::text[])
    AS t(document, fingerprint, tokens, state, code, message, body)
), made AS (
  INSERT INTO request (job_id, document_id, custom_id, fingerprint, lane, state, error_code, error_message,
    input_tokens, body_bytes, finished_at)
  SELECT %(job)s, document, document, fingerprint, %(lane)s, state, code, message, tokens, octet_length(body),
    CASE WHEN state = 'failed' THEN now() END
  FROM incoming ON CONFLICT (job_id, custom_id) DO NOTHING
  RETURNING id, custom_id
)
INSERT INTO request_body (request_id, body)
SELECT made.id, incoming.body::json FROM made JOIN incoming ON incoming.document = made.custom_id
"""


def _too_long(count: int, limit: int, model: str) -> str:
    return (
        f"The document has {count:,} tokens and {model} takes {max(limit, 0):,} of a document. "
        "Choose a model with a larger context, or split the document."
    )


def note(session: Session, job_id: str, kind: str, message: str) -> None:
    """Write an event of a job's life."""
    session.add(JobEvent(job_id=job_id, kind=kind, message=message))
    session.flush()


def _leave_out(session: Session, job_id: str, names: list[str]) -> None:
    if names:
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if names[10:] else "")
        note(session, job_id, "left_out", f"Left out, their extraction failed: {shown}.")


def finish_if_done(session: Session, job_id: str) -> bool:
    """End a job whose every request has ended and is derived; pause one whose canary has. Safe to call at any time."""
    ended = db.row(session, FINISH, job=job_id)
    if ended is not None:
        note(session, job_id, ended.state, f"The job is {ended.state}.")
        return True
    if db.execute(session, PAUSE_AFTER_CANARY, job=job_id):
        note(session, job_id, "canary", "The canary is through: look at its answers, then release or drop the rest.")
    return False


FINISH = """
UPDATE job j SET state = CASE WHEN state = 'cancelling' THEN 'cancelled' ELSE 'completed' END, finished_at = now(),
  error = NULL
WHERE j.id = :job AND j.state IN ('queued', 'running', 'paused', 'cancelling')
  AND NOT EXISTS (SELECT 1 FROM request r
                  WHERE r.job_id = j.id AND r.state IN ('held', 'pending', 'in_flight', 'answered'))
  AND NOT EXISTS (SELECT 1 FROM job_document d JOIN document x ON x.id = d.document_id
                  WHERE d.job_id = j.id AND NOT d.expanded)
RETURNING state
"""

PAUSE_AFTER_CANARY = """
UPDATE job j SET state = 'paused'
WHERE j.id = :job AND j.state = 'running' AND j.canary > 0
  AND NOT EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state IN ('pending', 'in_flight', 'answered'))
  AND EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state = 'held')
"""


def hold_behind_canary(session: Session, job_id: str, canary: int) -> None:
    """The first requests of a job go live, the others are held until a person has seen what came of them."""
    for statement in CANARY:
        db.execute(session, statement, job=job_id, canary=canary)


CANARY = (
    """UPDATE request SET lane = 'live' WHERE state = 'pending' AND id IN (
         SELECT id FROM request WHERE job_id = :job AND state <> 'held' ORDER BY id LIMIT :canary)""",
    """UPDATE request SET state = 'held' WHERE job_id = :job AND state = 'pending' AND id NOT IN (
         SELECT id FROM request WHERE job_id = :job AND state <> 'held' ORDER BY id LIMIT :canary)""",
)
