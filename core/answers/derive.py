"""Derive, the second stage for every answer: from kept answers to validated results, insights and evidence.

It works on requests in state `answered`, a chunk at a time; a chunk that is derived twice ends in the same rows. The
text of a live answer was read from its body when it came; the text of a batch's answer is read here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core.answers import judge
from core.answers.judge import Read, Verdict
from core.asking import prompt_canary, templates
from core.asking.prompts import Asking
from core.insight_base import field_quotes, writing
from core.insight_base.field_quotes import Quoted
from core.insight_base.writing import Finding, Source
from core.languages import code_of
from core.requests import finishing, former_models, merges
from core.runtime import db, queue
from core.runtime.text import storable, storable_json
from core.tables.jobs import JUDGE, is_cancelled

DERIVE_AT_ONCE = 200


def derive_chunk(limit: int = DERIVE_AT_ONCE) -> int:
    """Derive one chunk of answers and finish the jobs that are done. Returns how many requests were derived."""
    with db.transaction(everywhere=True) as session:
        derived = derive(session, limit)
        job_ids = sorted({d.job_id for d in derived if d.job_id})
        for job_id in job_ids:
            mine = [d for d in derived if d.job_id == job_id]
            merged = merges.decide(session, job_id, {d.merge_id for d in mine if d.merge_id})
            if merged or any(d.state == "pending" for d in mine):
                queue.defer(session, "pump_job", job_id=job_id)
        if any(d.template_id == JUDGE and d.state == "succeeded" for d in derived):
            queue.defer(session, "read_verdicts")
    # After the commit: two chunks derived at the same time do not see that both together were the job's last requests.
    with db.transaction(everywhere=True) as session:
        for job_id in job_ids:
            finishing.finish_if_done(session, job_id)
    return len(derived)


@dataclass(frozen=True)
class Answered:
    """An answered request with its response, as `consider` needs it.

    `text` is None where the answer was not read yet: then `raw` holds its body. `verdict` is None where the response
    was not judged yet. `message` and `result` belong to the verdict.
    """

    id: int
    asked_again: bool
    response_id: int
    text: str | None
    finish_reason: str | None
    verdict: str | None
    message: str | None
    result: dict[str, Any] | None
    provider: str
    raw: str | None = None
    endpoint: str | None = None
    # Tokens of the question as we count them, and of question and answer as the server says; 0 where it does not say.
    sent: int = 0
    read: int = 0
    written: int = 0
    # What only a job's request has.
    job_id: str | None = None
    document_id: str | None = None
    merge_id: int | None = None
    template_id: str | None = None
    template_version: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Derived:
    """The decision on one answered request. `state` is the request's next one: succeeded, failed or pending.

    `fresh`: its response had no verdict before. `read` is set where the response's text was read here.
    """

    request_id: int
    job_id: str | None
    response_id: int
    document_id: str | None
    template_id: str | None
    # That the answer was asked for in; None: that of the document.
    language: str | None
    state: str
    verdict: Verdict
    fresh: bool
    read: Read | None = None
    # The request that merges this one, a part's answer, with others: only the merge makes insights.
    merge_id: int | None = None
    findings: tuple[Finding, ...] = ()
    quoted: tuple[Quoted, ...] = ()


def derive(session: Session, limit: int) -> list[Derived]:
    """Derive up to `limit` answered requests; empty when none is left."""
    found = [Answered(**row._mapping) for row in db.rows(session, ANSWERED, limit=limit)]
    answered = _without_deleted_documents(session, found)
    askings: dict[str | None, Asking | None] = {}
    word = prompt_canary.of_installation(session) if answered else ""
    derived = []
    for row in answered:
        if row.job_id not in askings:
            askings[row.job_id] = templates.of_job(session, row) if row.template_id else None
        derived.append(consider(askings[row.job_id], row, word))
    return write(session, derived)


# The chunk is chosen before anything is joined to it: else the planner may join all answered requests first.
ANSWERED = f"""
WITH chosen AS MATERIALIZED (
  SELECT id, job_id, document_id, asked_again, endpoint, merge_id, response_id, input_tokens AS sent FROM request
  WHERE state = 'answered' AND job_id IS NOT NULL ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
SELECT r.*, s.text, CASE WHEN s.text IS NULL THEN CAST(s.raw AS text) END AS raw, s.finish_reason, s.result,
  coalesce(s.input_tokens, 0) AS read, coalesce(s.output_tokens, 0) AS written,
  CASE WHEN s.id IS NULL THEN 'answer_lost' ELSE s.verdict END AS verdict,
  CASE WHEN s.id IS NULL THEN 'Its answer was deleted meanwhile. Send it again.' ELSE s.verdict_message END AS message,
  {former_models.asked("provider")} AS provider, j.template_id, j.template_version, j.params,
  j.sampling
FROM chosen r JOIN job j ON j.id = r.job_id LEFT JOIN response s ON s.id = r.response_id ORDER BY r.id
"""


def _without_deleted_documents(session: Session, answered: Sequence[Answered]) -> list[Answered]:
    """Drop requests whose document is being deleted: the deletion cancels them. The remaining documents are locked FOR
    KEY SHARE until commit."""
    ids = sorted({row.document_id for row in answered if row.document_id})
    locked = {row.id for row in db.rows(session, LOCK_DOCUMENTS, ids=ids)}
    skipped = [one for one in ids if one not in locked]
    deleting = {row.id for row in db.rows(session, "SELECT id FROM document WHERE id = ANY(:ids)", ids=skipped)}
    return [row for row in answered if row.document_id not in deleting]


LOCK_DOCUMENTS = "SELECT id FROM document WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE SKIP LOCKED"


def consider(asking: Asking | None, row: Answered, word: str = "") -> Derived:
    """Judge one answered request, or take the verdict that its response has already. `word`: the canary. Pure."""
    read = None
    if row.verdict is not None:
        verdict = Verdict(row.verdict, row.message or "", row.result)
    else:
        read = judge.read(row, asking)
        verdict = (
            Verdict(read.finish_reason, read.fault)
            if read.fault
            else judge.judge(asking, read.text, read.finish_reason, row.written)
        )
        if asking and judge.was_cut(row.sent, row.read) and verdict.code not in judge.UNUSABLE:
            verdict = judge.cut_input(row.sent, row.read)
        if asking and word and judge.repeats_its_instructions(read.text, verdict, word):
            verdict = judge.LEAKED
    again = verdict.code == "schema" and not row.asked_again
    whole = None if row.merge_id else verdict.result
    return Derived(
        request_id=row.id,
        job_id=row.job_id,
        response_id=row.response_id,
        document_id=row.document_id,
        template_id=asking.template_id if asking else None,
        language=code_of(asking.language) if asking else None,
        state="succeeded" if verdict.code == "ok" else "pending" if again else "failed",
        verdict=verdict,
        fresh=row.verdict is None,
        read=read if row.text is None else None,
        merge_id=row.merge_id,
        findings=tuple(judge.findings_of(asking, whole)) if asking and whole else (),
        quoted=tuple(_quoted(asking, row, whole)) if asking and whole and row.document_id else (),
    )


def _quoted(asking: Asking, row: Answered, result: Mapping[str, Any]) -> Iterator[Quoted]:
    for name, quote in judge.quotes_of(asking, result).items():
        yield Quoted(row.document_id or "", row.response_id, name, str(result[name]), quote)


def write(session: Session, derived: Sequence[Derived]) -> list[Derived]:
    """Write a chunk and return it as it was written. An answer that the database refuses fails, and no other does."""
    try:
        with session.begin_nested():
            _write(session, derived)
        return list(derived)
    except DBAPIError as error:
        if not isinstance(error.orig, REFUSALS):
            raise
    if len(derived) > 1:
        return [written for one in derived for written in write(session, [one])]
    refused = [replace(one, state="failed", verdict=NOT_STORABLE, findings=(), quoted=()) for one in derived]
    _write(session, refused)
    return refused


REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)
NOT_STORABLE = Verdict("not_storable", "What the answer says could not be stored. Its raw body is kept; send it again.")


def _write(session: Session, derived: Sequence[Derived]) -> None:
    """Verdicts, request states, insights and evidence of one chunk; set-based, in key order."""
    if not derived:
        return
    fresh = [d for d in derived if d.fresh]
    db.columns(
        session,
        WRITE_RESPONSES,
        response=[d.response_id for d in fresh],
        text=[d.read and d.read.text for d in fresh],
        finish=[d.read and d.read.finish_reason for d in fresh],
        verdict=[d.verdict.code for d in fresh],
        message=[storable(d.verdict.message) for d in fresh],
        result=[storable_json(d.verdict.result) for d in fresh],
    )
    db.columns(
        session,
        WRITE_REQUESTS,
        request=[d.request_id for d in derived],
        state=[d.state for d in derived],
        code=[None if d.verdict.code == "ok" else d.verdict.code for d in derived],
        message=[storable(d.verdict.message) or None for d in derived],
    )
    writing.write(
        session,
        [
            (Source(d.document_id, d.response_id, d.template_id, d.language), finding)
            for d in derived
            if d.document_id
            for finding in d.findings
        ],
    )
    field_quotes.write(session, [one for d in derived for one in d.quoted])


# An unusable answer was billed all the same; its usage record says that it was unusable.
WRITE_RESPONSES = """
WITH incoming AS (
  SELECT * FROM unnest(%(response)s::bigint[], %(text)b::text[], %(finish)s::text[], %(verdict)s::text[],
    %(message)s::text[], %(result)b::text[])
    AS t(id, text, finish, verdict, message, result)
), judged AS (
  UPDATE response s SET verdict = i.verdict, verdict_message = nullif(i.message, ''), result = i.result::jsonb,
    text = coalesce(i.text, s.text), finish_reason = coalesce(i.finish, s.finish_reason)
  FROM incoming i WHERE s.id = i.id RETURNING s.request_id, s.id, s.verdict
)
UPDATE usage_record u SET status = 'unusable'
FROM judged JOIN request r ON r.id = judged.request_id AND r.response_id = judged.id
WHERE judged.verdict <> 'ok' AND u.request_id = r.id AND u.attempt = r.attempts AND u.status = 'ok'
"""

WRITE_REQUESTS = f"""
UPDATE request r SET error_code = i.code, error_message = i.message,
  state = CASE WHEN i.state = 'pending' AND {is_cancelled("r.job_id")} THEN 'cancelled' ELSE i.state END,
  asked_again = r.asked_again OR i.state = 'pending',
  finished_at = CASE WHEN i.state = 'pending' THEN NULL ELSE now() END
FROM unnest(%(request)s::bigint[], %(state)s::text[], %(code)s::text[], %(message)s::text[])
  AS i(id, state, code, message)
WHERE r.id = i.id AND r.state = 'answered'
"""
