"""From a job and its documents to requests, and the end of a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.asking import templates
from core.asking.prompts import Asking
from core.asking.request_plan import AROUND_AN_ANSWER, New, Question
from core.money.usage import REUSED_RECORDS
from core.providers.types import Provider
from core.requests import events, finishing, former_models, reuse
from core.requests import waiting as requests_waiting
from core.requests.reuse import REUSABLE, is_known, looks_up
from core.runtime import db, queue
from core.tables.jobs import Job

CHUNK = 50
# Texts of so many characters are held in memory at once, and one document more.
CHUNK_CHARACTERS = 5_000_000


@dataclass(frozen=True)
class Forecast:
    """`requests` of which `reused` are answered already and `calls` are to be paid; `waiting` are not extracted yet.

    `split` documents are asked in parts, whose number is estimated.
    """

    requests: int
    reused: int
    calls: int
    waiting: int
    split: int
    too_long: int
    input_tokens: int


def forecast(
    session: Session, chosen: Sequence[str] | str, asking: Asking, provider: Provider, model: str, *, reuse: bool
) -> Forecast:
    """Of documents by their ids, or of a collection by its name: thousands of ids take longer to send than to find."""
    condition = COLLECTION if isinstance(chosen, str) else "d.id = ANY(:chosen)"
    question = Question(asking, provider, model)
    found = db.row(
        session,
        FORECAST.format(condition=condition, known=is_known("c.fingerprint")),
        chosen=chosen,
        prefix=question.prefix,
        merge_prefix=question.merge_prefix,
        reuse=reuse,
        overhead=question.overhead,
        merge_overhead=question.merge_overhead,
        budget=max(1, question.budget),
        at_once=question.merged_at_once,
        answer=asking.expected_output_tokens + AROUND_AN_ANSWER,
    )
    assert found is not None
    return Forecast(**found._mapping)


COLLECTION = "d.collection_id = (SELECT id FROM collection WHERE name = :chosen)"
# Twins within the job count as reused, too: their text is asked once. To merge n answers, k at once, takes
# (n - 1) / (k - 1) merges; every answer but the last goes into one.
FORECAST = """
WITH chosen AS (
  SELECT d.id, d.state, coalesce(d.tokens, 0) AS tokens, t.sha256,
    d.state = 'ready' AND coalesce(d.tokens, 0) > :budget AS long
  FROM document d LEFT JOIN document_text t ON t.document_id = d.id
  WHERE {condition} AND d.state <> 'failed'
), cut AS (
  SELECT c.*, long AND :at_once = 0 AS too_long, long AND :at_once > 0 AS split,
    CASE WHEN long AND :at_once > 0 THEN ceil(tokens / CAST(:budget AS numeric)) ELSE 1 END AS parts,
    encode(sha256(convert_to(CASE WHEN long THEN :merge_prefix ELSE :prefix END || sha256, 'UTF8')), 'hex')
      AS fingerprint
  FROM chosen c
), asked AS (
  SELECT c.*, c.state = 'ready' AND NOT too_long AND :reuse AND (
      {known}
      OR row_number() OVER (PARTITION BY c.sha256 ORDER BY c.id) > 1) AS reused,
    CASE WHEN split THEN ceil((parts - 1) / (:at_once - 1)) ELSE 0 END AS merges
  FROM cut c
)
SELECT coalesce(sum(CASE WHEN reused THEN 1 ELSE parts + merges END), 0)::int AS requests,
  count(*) FILTER (WHERE reused)::int AS reused,
  coalesce(sum(parts + merges) FILTER (WHERE NOT reused AND NOT too_long), 0)::int AS calls,
  count(*) FILTER (WHERE state <> 'ready')::int AS waiting,
  count(*) FILTER (WHERE split AND NOT reused)::int AS split,
  count(*) FILTER (WHERE too_long)::int AS too_long,
  coalesce(sum(tokens + parts * :overhead + merges * :merge_overhead
    + CASE WHEN split THEN (parts + merges - 1) * :answer ELSE 0 END)
    FILTER (WHERE NOT reused AND NOT too_long), 0)::bigint AS input_tokens
FROM asked
"""


def expand(session: Session, job_id: str, asking: Asking, provider: Provider, model: str, lane: str) -> int:
    """Make the requests of one chunk of ready documents. Returns how many documents were dealt with."""
    question = Question(asking, provider, model)
    ready = _at_once(db.rows(session, READY, job=job_id, limit=CHUNK))
    usable = [row for row in ready if row.state == "ready"]
    known = _known_merges(session, job_id, question, usable)
    texts = db.rows(session, TEXTS, ids=[row.id for row in usable if row.id not in known])
    text_of = {row.document_id: row.text for row in texts}
    new = [
        [question.known(row.id, row.sha256, known[row.id])]
        if row.id in known
        else question.of_document(row.id, text_of[row.id], row.sha256, row.tokens)
        for row in usable
    ]
    _make(session, job_id, lane, [one for of_document in new for one in of_document])
    _tell_parts(session, job_id, [row.name for row, made in zip(usable, new, strict=True) if len(made) > 1])
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
SELECT d.id, d.name, d.state, d.tokens, d.characters, t.sha256
FROM job_document jd JOIN document d ON d.id = jd.document_id
LEFT JOIN document_text t ON t.document_id = d.id
WHERE jd.job_id = :job AND NOT jd.expanded AND d.state IN ('ready', 'failed')
ORDER BY jd.document_id LIMIT :limit FOR UPDATE OF jd SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED
"""


def _at_once(ready: Sequence[Any]) -> list[Any]:
    taken, characters = [], 0
    for row in ready:
        if characters < CHUNK_CHARACTERS:
            taken.append(row)
            characters += row.characters or 0
    return taken


def _known_merges(session: Session, job_id: str, question: Question, usable: Sequence[Any]) -> dict[str, int]:
    """Long documents whose parts' answers were merged before, each with that response: nothing of them is asked."""
    prints = {row.id: question.merged(row.sha256) for row in usable if row.tokens > question.budget}
    if not (prints and looks_up()):
        return {}
    found = db.rows(session, KNOWN, job=job_id, fingerprints=list(prints.values()))
    response = {row.fingerprint: row.response for row in found}
    return {document: response[print_] for document, print_ in prints.items() if print_ in response}


KNOWN = f"""
SELECT s.fingerprint, min(s.id) AS response FROM response s
WHERE s.fingerprint = ANY(:fingerprints) AND {REUSABLE} AND (SELECT reuse FROM job WHERE id = :job)
GROUP BY s.fingerprint
"""

TEXTS = "SELECT document_id, text FROM document_text WHERE document_id = ANY(:ids)"


def _make(session: Session, job_id: str, lane: str, new: Sequence[New]) -> None:
    made = db.columns(
        session,
        MAKE_REQUESTS,
        job=job_id,
        lane=lane,
        custom=[one.custom_id for one in new],
        document=[one.document for one in new],
        fingerprint=[one.fingerprint for one in new],
        tokens=[one.tokens for one in new],
        state=[one.state for one in new],
        known=[one.known for one in new],
        code=[one.code for one in new],
        message=[one.message for one in new],
        body=[one.body for one in new],
    )
    answered = [row.id for row in made if row.state == "answered"]
    if answered:
        db.execute(session, REUSED_RECORDS, ids=answered)
        queue.defer(session, "derive")
    merged = [one for one in new if one.merged_by]
    if merged:
        db.execute(
            session,
            LINK_PARTS,
            job=job_id,
            parts=[one.custom_id for one in merged],
            merges=[one.merged_by for one in merged],
        )


MAKE_REQUESTS = """
WITH incoming AS (
  SELECT * FROM unnest(%(custom)s::text[], %(document)s::text[], %(fingerprint)s::text[], %(tokens)s::int[],
    %(state)s::text[], %(known)s::bigint[], %(code)s::text[], %(message)s::text[], %(body)s::text[]) WITH ORDINALITY
    AS t(custom, document, fingerprint, tokens, state, known, code, message, body, number)
), made AS (
  INSERT INTO request (job_id, document_id, custom_id, fingerprint, lane, state, reused, response_id, error_code,
    error_message, input_tokens, body_bytes, finished_at)
  SELECT %(job)s, document, custom, fingerprint, %(lane)s, state, known IS NOT NULL, known, code,
    message, tokens, coalesce(octet_length(body), 0), CASE WHEN state = 'failed' THEN now() END
  FROM incoming ORDER BY number ON CONFLICT (job_id, custom_id) DO NOTHING
  RETURNING id, custom_id, state
), written AS (
  INSERT INTO request_body (request_id, body)
  SELECT made.id, incoming.body::json FROM made JOIN incoming ON incoming.custom = made.custom_id
  WHERE incoming.body IS NOT NULL
)
SELECT id, state FROM made
"""

LINK_PARTS = """
UPDATE request part SET merge_id = m.id
FROM unnest(CAST(:parts AS text[]), CAST(:merges AS text[])) AS i(part, merge)
JOIN request m ON m.job_id = :job AND m.custom_id = i.merge
WHERE part.job_id = :job AND part.custom_id = i.part AND part.merge_id IS NULL
"""


def _tell_parts(session: Session, job_id: str, names: list[str]) -> None:
    if names:
        events.note(session, job_id, "split", f"Too long for the model, so they are asked in parts: {_some(names)}.")


def _leave_out(session: Session, job_id: str, names: list[str]) -> None:
    if names:
        events.note(session, job_id, "left_out", f"Left out, their extraction failed: {_some(names)}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if names[10:] else "")


@reuse.or_without
def expand_job(job_id: str) -> None:
    """Make requests of all documents that are ready, chunk by chunk, and let the pump send them."""
    while True:
        with db.transaction() as session:
            # Whoever lets it go on with another model waits for the end of this.
            job = session.get(Job, job_id, with_for_update={"read": True, "key_share": True})
            if job is None or job.state not in ("queued", "running"):
                return
            db.execute(
                session,
                """UPDATE job SET state = 'running', started_at = coalesce(started_at, now())
                   WHERE id = :job AND state = 'queued'""",
                job=job_id,
            )
            if job.template_id is None:
                # Its requests were handed in.
                if job.canary:
                    finishing.hold_behind_canary(session, job_id, job.canary)
                queue.defer(session, "pump_job", job_id=job_id)
                return
            provider = requests_waiting.provider_of(session, job)
            if provider is None:
                return
            asking = templates.asking(session, job.template_id, job.params, job.template_version)
            if job.former:
                former_models.make_anew(session, job_id)
            made = expand(session, job_id, asking, provider, job.model, job.lane)
            if job.canary:
                finishing.hold_behind_canary(session, job_id, job.canary)
            if made:
                queue.defer(session, "pump_job", job_id=job_id)
            else:
                finishing.finish_if_done(session, job_id)
                return
