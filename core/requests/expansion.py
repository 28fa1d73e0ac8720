"""Expand a job: make the requests of its documents, and forecast how many there will be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.asking import prompt_canary, templates
from core.asking.prompts import Asking
from core.asking.request_plan import AROUND_AN_ANSWER, New, Question
from core.money.usage import REUSED_RECORDS
from core.providers.types import Provider
from core.requests import canary, events, finishing, former_models, reuse
from core.requests import waiting as requests_waiting
from core.requests.reuse import REUSABLE, is_known, looks_up
from core.runtime import db, queue, workspace
from core.tables.jobs import Job, asks_documents

CHUNK = 50
# The texts of one chunk are in memory at once: as many as stay under this, and the one that goes over it.
CHUNK_CHARACTERS = 5_000_000


@dataclass(frozen=True)
class RequestForecast:
    """What expanding documents would make: `requests`, of which `reused` have a known answer and `calls` will be paid.

    `waiting`, `split` and `too_long` count documents: not extracted yet, to be asked in parts (an estimated number),
    and too long even for that. `input_tokens` is the sum over all calls.
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
) -> RequestForecast:
    """`chosen`: ids of documents, or the name of a collection: thousands of ids take longer to send than to find."""
    question = Question(asking, provider, model, workspace.scope(db.workspace_of(session)))
    found = db.row(
        session,
        _of(chosen, FORECAST),
        **_asked(chosen, question, reuse=reuse),
        overhead=question.overhead,
        merge_overhead=question.merge_overhead,
        answer=asking.expected_output_tokens + AROUND_AN_ANSWER,
    )
    assert found is not None
    return RequestForecast(**found._mapping)


def _of(chosen: Sequence[str] | str, statement: str) -> str:
    condition = COLLECTION if isinstance(chosen, str) else "d.id = ANY(:chosen)"
    return statement.format(condition=condition, known=is_known("c.fingerprint"))


def _asked(chosen: Sequence[str] | str, question: Question, *, reuse: bool) -> dict[str, Any]:
    return {
        "chosen": chosen,
        "scope": question.scope,
        "prefix": question.prefix,
        "merge_prefix": question.merge_prefix,
        "reuse": reuse,
        "budget": max(1, question.budget),
        "at_once": question.merged_at_once,
    }


@dataclass(frozen=True)
class Typical:
    """A document to go first; `tokens`: of the request about it."""

    document: str
    tokens: int


def typical(
    session: Session,
    chosen: Sequence[str] | str,
    asking: Asking,
    provider: Provider,
    model: str,
    *,
    reuse: bool,
    number: int,
) -> list[Typical]:
    """Documents that stand for all that will be paid for: from the short ones to the long ones, in equal steps.

    Of those only that are read, fit the model at once and have no known answer; [] where they are fewer than `number`.
    """
    question = Question(asking, provider, model, workspace.scope(db.workspace_of(session)))
    values = {**_asked(chosen, question, reuse=reuse), "overhead": question.overhead, "number": number}
    return [Typical(**row._mapping) for row in db.rows(session, _of(chosen, TYPICAL), **values)]


COLLECTION = "d.collection_id = (SELECT id FROM collection WHERE workspace_id = :workspace AND name = :chosen)"
# Equal texts within the job count as reused from the second on. To merge n answers, k at once, takes
# (n - 1) / (k - 1) merges; every answer but the last goes into one.
ASKED = """
WITH chosen AS (
  SELECT d.id, d.state, coalesce(d.tokens, 0) AS tokens, t.sha256,
    d.state = 'ready' AND coalesce(d.tokens, 0) > :budget AS long
  FROM document d LEFT JOIN document_text t ON t.document_id = d.id
  WHERE d.workspace_id = :workspace AND {condition} AND d.state NOT IN ('failed', 'unpacked')
), cut AS (
  SELECT c.*, long AND :at_once = 0 AS too_long, long AND :at_once > 0 AS split,
    CASE WHEN long AND :at_once > 0 THEN ceil(tokens / CAST(:budget AS numeric)) ELSE 1 END AS parts,
    :scope || encode(sha256(convert_to(CASE WHEN long THEN :merge_prefix ELSE :prefix END || sha256, 'UTF8')), 'hex')
      AS fingerprint
  FROM chosen c
), asked AS (
  SELECT c.*, c.state = 'ready' AND NOT too_long AND :reuse AND (
      {known}
      OR row_number() OVER (PARTITION BY c.sha256 ORDER BY c.id) > 1) AS reused,
    CASE WHEN split THEN ceil((parts - 1) / (:at_once - 1)) ELSE 0 END AS merges
  FROM cut c
)
"""
FORECAST = f"""{ASKED}
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
# Of n in order, those at (2 k + 1) n / 2 number, rounded up, for each k below number, counted from 1.
TYPICAL = f"""{ASKED}, ranked AS (
  SELECT id AS document, (tokens + :overhead)::int AS tokens, row_number() OVER (ORDER BY tokens, id) - 1 AS place,
    count(*) OVER () AS n
  FROM asked WHERE state = 'ready' AND NOT reused AND NOT long
)
SELECT document, tokens FROM ranked
WHERE n >= :number AND (2 * floor((2.0 * :number * (place + 1) - n) / (2 * n)) + 1) * n > 2.0 * :number * place
ORDER BY place
"""


def expand(session: Session, job: Job, asking: Asking, provider: Provider) -> int:
    """Make the requests of one chunk of documents; those that failed extraction are left out. Returns how many
    documents the chunk had."""
    job_id = job.id
    scope = workspace.scope(job.workspace_id)
    question = Question(asking, provider, job.model, scope, prompt_canary.of_installation(session))
    # The canary first: it is through before the others are expanded.
    found = db.rows(session, READY_CANARY, job=job_id, limit=CHUNK) if job.canary else []
    found = found or db.rows(session, READY, job=job_id, limit=CHUNK)
    ready = _at_once([Ready(**row._mapping) for row in found])
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
    make(session, job_id, job.lane, [one for of_document in new for one in of_document])
    _note_split(session, job_id, [row.name for row, made in zip(usable, new, strict=True) if len(made) > 1])
    _note_left_out(session, job_id, [row.name for row in ready if row.state == "failed"])
    db.execute(
        session,
        "UPDATE job_document SET expanded = true WHERE job_id = :job AND document_id = ANY(:ids)",
        job=job_id,
        ids=[row.id for row in ready],
    )
    return len(ready)


@dataclass(frozen=True)
class Ready:
    """A document to expand, in state ready or failed. `tokens`, `characters` and `sha256` are those of its text; a
    document that failed has none."""

    id: str
    name: str
    state: str
    tokens: int
    characters: int | None
    sha256: str


# A document that is being deleted is locked, and skipped.
_READY = """
SELECT d.id, d.name, d.state, d.tokens, d.characters, t.sha256
FROM job_document jd JOIN document d ON d.id = jd.document_id
LEFT JOIN document_text t ON t.document_id = d.id
WHERE jd.job_id = :job AND NOT jd.expanded{canary} AND d.state IN ('ready', 'failed')
ORDER BY jd.document_id LIMIT :limit FOR UPDATE OF jd SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED
"""
READY = _READY.format(canary="")
READY_CANARY = _READY.format(canary=" AND jd.canary")


def _at_once(ready: Sequence[Ready]) -> list[Ready]:
    taken: list[Ready] = []
    characters = 0
    for row in ready:
        if characters < CHUNK_CHARACTERS:
            taken.append(row)
            characters += row.characters or 0
    return taken


def _known_merges(session: Session, job_id: str, question: Question, usable: Sequence[Ready]) -> dict[str, int]:
    """Long documents with a reusable merged answer: {document_id: response_id}. Their parts are not asked."""
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


def make(session: Session, job_id: str, lane: str, new: Sequence[New]) -> None:
    """Write requests with their bodies."""
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
    %(state)s::text[], %(known)s::bigint[], %(code)s::text[], %(message)s::text[], %(body)b::text[]) WITH ORDINALITY
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


def _note_split(session: Session, job_id: str, names: list[str]) -> None:
    if names:
        events.note(session, job_id, "split", f"Too long for the model, so they are asked in parts: {_some(names)}.")


def _note_left_out(session: Session, job_id: str, names: list[str]) -> None:
    if names:
        events.note(session, job_id, "left_out", f"Left out, their extraction failed: {_some(names)}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if names[10:] else "")


@reuse.or_without
def expand_job(job_id: str) -> None:
    """Make the requests of all documents that are ready, chunk by chunk, and have the pump send them.

    Does nothing for a job that is not queued or running, or whose provider this process cannot call.
    """
    while True:
        with db.transaction(everywhere=True) as session:
            # A change of the job's model waits until these requests are made.
            job = session.get(Job, job_id, with_for_update={"read": True, "key_share": True})
            if job is None or job.state not in ("queued", "running"):
                return
            db.execute(
                session,
                """UPDATE job SET state = 'running', started_at = coalesce(started_at, now())
                   WHERE id = :job AND state = 'queued'""",
                job=job_id,
            )
            if job.template_id is None or not asks_documents(job.template_id):
                # Its requests were made before it was started.
                if job.canary:
                    canary.hold_the_rest(session, job_id, job.canary)
                queue.defer(session, "pump_job", job_id=job_id)
                return
            provider = requests_waiting.provider_of(session, job)
            if provider is None:
                return
            asking = templates.of_job(session, job)
            if job.former:
                former_models.make_anew(session, job_id)
            made = expand(session, job, asking, provider)
            if job.canary:
                canary.hold_the_rest(session, job_id, job.canary)
            if made:
                queue.defer(session, "pump_job", job_id=job_id)
            else:
                finishing.finish_if_done(session, job_id)
                return
