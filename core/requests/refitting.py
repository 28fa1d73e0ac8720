"""Requests that turned out too long for the model's context are split where they stand, within their job.

A server names its context when it refuses a question as too long, which costs nothing. The refused request is pending
again with that code, and its job has to be refitted: before anything of the job is sent, the request becomes the merge
of its parts. Of a request about a text these are its pieces; of one that merges answers, merges of a few of them. What
was answered stays, so nothing is paid for twice; a split is one transaction, and the rows are the truth.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.asking import prompt_canary, prompts, splitting, templates
from core.asking.request_plan import SHORTEST_PART, New, Question
from core.requests import events, expansion, finishing, former_models, merges, waiting
from core.runtime import db, workspace
from core.settings import store
from core.tables.jobs import Job

TOO_LONG = "context_too_long"
# A request that should have fitted by our count of tokens is cut into parts of so much of it: the server counts more.
SMALLER = 0.6
# Two counts of one text may differ by a few tokens: what is over by less is cut smaller, too.
NEARLY = 1.05
# Requests are split so many at a time; their texts are in memory at once.
AT_ONCE = 20


@dataclass(frozen=True)
class Unfit:
    """A pending request that is too long. `parts`: the answers that it merges, 0 where it asks of a text itself."""

    id: int
    custom_id: str
    document: str
    name: str
    lane: str
    tokens: int
    message: str | None
    body: dict[str, Any]
    parts: int


def put_back(session: Session, job_ids: Collection[str]) -> None:
    """Requests of these jobs were put back as too long: they are split before anything else is sent."""
    if job_ids:
        db.execute(session, "UPDATE job SET refit = true WHERE id = ANY(:jobs) AND NOT refit", jobs=sorted(job_ids))


def refit(job_id: str) -> bool:
    """Split the requests of a job that are too long; what cannot be split fails.

    False while another transaction holds the job, as one that keeps a batch's answers may for minutes.
    """
    with db.transaction(everywhere=True) as session:
        if not db.scalar(session, "SELECT refit FROM job WHERE id = :job", job=job_id):
            return True
    # What another process has just learned of the server holds already.
    store.load()
    while True:
        with db.transaction(everywhere=True) as session:
            job = session.get(Job, job_id, with_for_update={"key_share": True, "skip_locked": True})
            if job is None:
                return False
            if not job.refit or job.state != "running":
                return True
            provider = waiting.provider_of(session, job)
            if provider is None:
                return True
            asking = templates.of_job(session, job)
            scope = workspace.scope(job.workspace_id)
            question = Question(asking, provider, job.model, scope, prompt_canary.of_installation(session))
            unfit = _unfit(session, job, question)
            split = dict.fromkeys(one.name for one in unfit if _split(session, job, question, one))
            if split:
                words = f"Too long for the model, so they are asked in parts: {', '.join(split)}."
                events.note(session, job_id, "split", words)
            job.refit = bool(unfit)
        if not unfit:
            with db.transaction(everywhere=True) as session:
                finishing.finish_if_done(session, job_id)
            return True


def _unfit(session: Session, job: Job, question: Question) -> list[Unfit]:
    most = question.budget + question.overhead
    former = former_models.until(job.former)
    found = db.rows(session, UNFIT, job=job.id, former=former, too_long=TOO_LONG, most=most, limit=AT_ONCE)
    return [Unfit(**row._mapping) for row in found]


# Those that were refused, and those about texts that will be: they were made before the context was known.
UNFIT = """
SELECT r.id, r.custom_id, r.document_id AS document, d.name, r.lane, r.input_tokens AS tokens,
  CASE WHEN r.error_code = :too_long THEN r.error_message END AS message, b.body,
  (SELECT count(*) FROM request part WHERE part.merge_id = r.id) AS parts
FROM request r JOIN request_body b ON b.request_id = r.id JOIN document d ON d.id = r.document_id
WHERE r.job_id = :job AND r.state = 'pending' AND r.id > :former
  AND (r.error_code = :too_long OR r.input_tokens > :most
    AND NOT EXISTS (SELECT 1 FROM request part WHERE part.merge_id = r.id))
ORDER BY r.id LIMIT :limit FOR UPDATE OF r
"""


def _split(session: Session, job: Job, question: Question, one: Unfit) -> bool:
    made = _regrouped(session, question, one) if one.parts else _in_parts(question, one)
    if made is None:
        message = one.message or question.too_long(one.tokens - question.overhead)
        db.execute(session, FAIL, id=one.id, code=TOO_LONG, message=message)
        return False
    db.execute(session, HOLD, id=one.id, fingerprint=made.fingerprint)
    expansion.make(session, job.id, one.lane, made.new)
    if one.parts:
        _repoint(session, job.id, made.new)
    return True


@dataclass(frozen=True)
class Made:
    """What a request is split into: the parts that it merges from now on, and its fingerprint as a merge."""

    fingerprint: str
    new: list[New]


def _in_parts(question: Question, one: Unfit) -> Made | None:
    counted = one.tokens - question.overhead
    most = question.budget if counted > NEARLY * question.budget else int(counted * SMALLER)
    text = prompts.text_in(one.body)
    if text is None or most < SHORTEST_PART or not question.merged_at_once:
        return None
    *new, whole = question.in_parts(one.document, one.custom_id, text, most)
    return Made(whole.fingerprint, new) if new else None


def _regrouped(session: Session, question: Question, one: Unfit) -> Made | None:
    """Fewer answers at once: merges of some of them, which are merged in their turn."""
    parts = db.rows(session, PARTS, id=one.id)
    at_once = min(question.merged_at_once, len(parts) - 1)
    if at_once < 2:
        return None
    groups: dict[int, list[Any]] = {}
    for part, group in zip(parts, splitting.levels(len(parts), at_once)[0], strict=True):
        groups.setdefault(group, []).append(part)
    new = [
        New(
            f"{one.custom_id}.merge0-{some[0].id}-{some[-1].id}",
            one.document,
            question.merged("".join(part.fingerprint for part in some)),
            "held",
            merged_by=one.custom_id,
        )
        for some in groups.values()
    ]
    return Made(parts[0].whole, new)


PARTS = """
SELECT p.id, p.fingerprint, m.fingerprint AS whole FROM request p JOIN request m ON m.id = p.merge_id
WHERE m.id = :id ORDER BY p.id
"""


def _repoint(session: Session, job_id: str, new: Sequence[New]) -> None:
    """Each part to the new merge whose name says from which to which part it goes."""
    names = [one.custom_id for one in new]
    ranges = [name.rsplit("-", 2)[1:] for name in names]
    values = {"first": [int(first) for first, _ in ranges], "last": [int(last) for _, last in ranges]}
    moved = db.rows(session, REPOINT, job=job_id, names=names, **values)
    merges.decide(session, job_id, {row.merge_id for row in moved})


REPOINT = """
UPDATE request p SET merge_id = m.id
FROM unnest(CAST(:names AS text[]), CAST(:first AS bigint[]), CAST(:last AS bigint[])) AS i(name, first, last)
JOIN request m ON m.job_id = :job AND m.custom_id = i.name
WHERE p.merge_id = m.merge_id AND p.id BETWEEN i.first AND i.last AND p.id <> m.id
RETURNING p.merge_id
"""


FAIL = """
UPDATE request SET state = 'failed', error_code = :code, error_message = :message, finished_at = now() WHERE id = :id
"""
# It merges from now on. Its body goes: that of a merge is made when its parts are answered.
HOLD = """
WITH gone AS (DELETE FROM request_body WHERE request_id = :id)
UPDATE request SET state = 'held', fingerprint = :fingerprint, asked_again = false, resent = 0, body_bytes = 0,
  error_code = NULL, error_message = NULL, provider_batch_id = NULL
WHERE id = :id
"""
