"""The second stage of `record()`: from kept answers to validated results, insights and evidence.

Works on requests in state `answered`, a chunk at a time; whatever is run twice ends in the same rows. A live answer was
read when it was heard; a batch's is read here.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core.answers import judge
from core.answers.judge import Read, Verdict
from core.asking.prompts import Asking
from core.asking.templates import asking as load_asking
from core.evidence import quotes
from core.evidence.support import recount
from core.evidence.writing import Finding
from core.requests import finishing, former_models, merges
from core.runtime import db, queue
from core.runtime import text as runtime_text
from core.runtime.ids import new_id
from core.runtime.text import storable


@dataclass(frozen=True)
class Derived:
    """What one answered request comes to. `state` is the request's next one: succeeded, failed or pending.

    `fresh` where nobody has judged its response yet; `read` where nobody has read it.
    """

    request_id: int
    job_id: str | None
    response_id: int
    document_id: str | None
    template_id: str | None
    state: str
    verdict: Verdict
    fresh: bool
    read: Read | None = None
    # The request that merges this one, a part's answer, with others: that one alone makes insights.
    merge_id: int | None = None
    findings: tuple[Finding, ...] = ()


def derive(session: Session, limit: int) -> list[Derived]:
    """Derive one chunk of answered requests; empty when nothing is left."""
    answered = _of_standing_documents(session, db.rows(session, ANSWERED, limit=limit))
    askings: dict[str, Asking | None] = {}
    derived = []
    for row in answered:
        if row.job_id not in askings:
            askings[row.job_id] = row.template_id and load_asking(
                session, row.template_id, row.params, row.template_version
            )
        derived.append(consider(askings[row.job_id], row))
    return write(session, derived)


# The chunk is chosen before anything is joined to it, so that the planner cannot join all that is answered first.
ANSWERED = f"""
WITH chosen AS MATERIALIZED (
  SELECT id, job_id, document_id, asked_again, endpoint, merge_id, response_id FROM request
  WHERE state = 'answered' AND job_id IS NOT NULL ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
SELECT r.*, s.text, CASE WHEN s.text IS NULL THEN CAST(s.raw AS text) END AS raw, s.finish_reason, s.result,
  CASE WHEN s.id IS NULL THEN 'answer_lost' ELSE s.verdict END AS verdict,
  CASE WHEN s.id IS NULL THEN 'Its answer was deleted meanwhile. Send it again.' ELSE s.verdict_message END AS message,
  {former_models.asked("provider")} AS provider, j.template_id, j.template_version, j.params
FROM chosen r JOIN job j ON j.id = r.job_id LEFT JOIN response s ON s.id = r.response_id ORDER BY r.id
"""


def _of_standing_documents(session: Session, answered: Sequence[Any]) -> list[Any]:
    """Without those whose document is being deleted right now: that ends them. The other documents stay till commit."""
    ids = sorted({row.document_id for row in answered if row.document_id})
    locked = {row.id for row in db.rows(session, LOCK_DOCUMENTS, ids=ids)}
    going = db.rows(
        session, "SELECT id FROM document WHERE id = ANY(:ids)", ids=[one for one in ids if one not in locked]
    )
    return [row for row in answered if row.document_id not in {row.id for row in going}]


LOCK_DOCUMENTS = "SELECT id FROM document WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE SKIP LOCKED"


def consider(asking: Asking | None, row: Any) -> Derived:
    """Judge one answered request, or take the verdict that its response has already."""
    fresh = row.verdict is None
    heard = judge.read(row) if fresh else None
    if heard is None:
        verdict = Verdict(row.verdict, row.message or "", row.result)
    elif heard.fault:
        verdict = Verdict(heard.finish_reason, heard.fault)
    else:
        verdict = judge.judge(asking, heard.text, heard.finish_reason)
    again = verdict.code == "schema" and not row.asked_again
    return Derived(
        request_id=row.id,
        job_id=row.job_id,
        response_id=row.response_id,
        document_id=row.document_id,
        template_id=asking.template_id if asking else None,
        state="succeeded" if verdict.code == "ok" else "pending" if again else "failed",
        verdict=verdict,
        fresh=fresh,
        read=heard if row.text is None else None,
        merge_id=row.merge_id,
        findings=tuple(judge.findings_of(asking, verdict.result))
        if asking and verdict.result and not row.merge_id
        else (),
    )


def write(session: Session, derived: Sequence[Derived]) -> list[Derived]:
    """Write a chunk. What the database refuses fails alone, and the rest goes on."""
    try:
        with session.begin_nested():
            _write(session, derived)
        return list(derived)
    except DBAPIError as error:
        if not isinstance(error.orig, REFUSALS):
            raise
    if len(derived) > 1:
        return [written for one in derived for written in write(session, [one])]
    refused = [replace(one, state="failed", verdict=NOT_STORABLE, findings=()) for one in derived]
    _write(session, refused)
    return refused


REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)
NOT_STORABLE = Verdict("not_storable", "What the answer says could not be stored. Its raw body is kept; send it again.")


def _write(session: Session, derived: Sequence[Derived]) -> None:
    """Verdicts, request states, insights and evidence of one chunk; set-based, in key order."""
    if not derived:
        return
    fresh = [d for d in derived if d.fresh]
    _execute(
        session,
        WRITE_RESPONSES,
        response=[d.response_id for d in fresh],
        text=[d.read and d.read.text for d in fresh],
        finish=[d.read and d.read.finish_reason for d in fresh],
        verdict=[d.verdict.code for d in fresh],
        message=[storable(d.verdict.message) for d in fresh],
        result=[runtime_text.storable_json(d.verdict.result) for d in fresh],
    )
    _execute(
        session,
        WRITE_REQUESTS,
        request=[d.request_id for d in derived],
        state=[d.state for d in derived],
        code=[None if d.verdict.code == "ok" else d.verdict.code for d in derived],
        message=[storable(d.verdict.message) or None for d in derived],
    )
    _write_insights(session, [(d, finding) for d in derived for finding in d.findings if d.document_id])


# An unusable answer was billed all the same; its usage record says what it was worth.
WRITE_RESPONSES = """
WITH incoming AS (
  SELECT * FROM unnest(%(response)s::bigint[], %(text)s::text[], %(finish)s::text[], %(verdict)s::text[],
    %(message)s::text[], %(result)s::text[])
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

WRITE_REQUESTS = """
UPDATE request r SET error_code = i.code, error_message = i.message,
  -- A cancelled job asks nothing again.
  state = CASE WHEN i.state = 'pending' AND EXISTS (
    SELECT 1 FROM job j WHERE j.id = r.job_id AND j.state IN ('cancelling', 'cancelled'))
    THEN 'cancelled' ELSE i.state END,
  asked_again = r.asked_again OR i.state = 'pending',
  finished_at = CASE WHEN i.state = 'pending' THEN NULL ELSE now() END
FROM unnest(%(request)s::bigint[], %(state)s::text[], %(code)s::text[], %(message)s::text[])
  AS i(id, state, code, message)
WHERE r.id = i.id AND r.state = 'answered'
"""

WRITE_INSIGHTS = """
INSERT INTO insight (id, statement, statement_key, kind)
SELECT * FROM unnest(%(id)s::text[], %(statement)s::text[], %(key)s::text[], %(kind)s::text[])
ON CONFLICT (statement_key) DO UPDATE SET last_seen = now()
RETURNING id, statement_key
"""

WRITE_EVIDENCE = """
INSERT INTO evidence (insight_id, document_id, response_id, template_id, quote, quote_key, supported, start, "end",
  attributes)
SELECT insight, document, response, template, quote, key, supported, start, "end", attributes::jsonb
FROM unnest(%(insight)s::text[], %(document)s::text[], %(response)s::bigint[], %(template)s::text[], %(quote)s::text[],
  %(key)s::text[], %(supported)s::bool[], %(start)s::int[], %(end)s::int[], %(attributes)s::text[])
  AS t(insight, document, response, template, quote, key, supported, start, "end", attributes)
ON CONFLICT DO NOTHING
"""


def _write_insights(session: Session, found: Sequence[tuple[Derived, Finding]]) -> None:
    by_key = {quotes.normalise(finding.statement): (d, finding) for d, finding in found}
    by_key.pop("", None)
    if not by_key:
        return
    keys = sorted(by_key)
    stored = _execute(
        session,
        WRITE_INSIGHTS,
        id=[new_id("ins") for _ in keys],
        statement=[storable(by_key[key][1].statement) for key in keys],
        key=[storable(key) for key in keys],
        kind=[by_key[key][0].template_id for key in keys],
    )
    insight_of = {row.statement_key: row.id for row in stored}
    of_document: dict[str | None, list[tuple[Derived, Finding]]] = {}
    for d, finding in found:
        of_document.setdefault(d.document_id, []).append((d, finding))
    evidence = [
        _evidence(insight_of[storable(key)], d, finding, quote, text)
        for document_id, text in _texts(session, of_document)
        for d, finding in of_document[document_id]
        if (key := quotes.normalise(finding.statement))
        for quote in finding.quotes or ("",)
    ]
    if evidence:
        _execute(session, WRITE_EVIDENCE, **{name: [row[name] for row in evidence] for name in evidence[0]})
    recount(session, sorted(insight_of.values()))


def _evidence(insight_id: str, derived: Derived, finding: Finding, quote: str, text: str) -> dict[str, Any]:
    span = quotes.find(quote, text)
    return {
        "insight": insight_id,
        "document": derived.document_id,
        "response": derived.response_id,
        "template": derived.template_id,
        "quote": storable(quote),
        "key": hashlib.sha256(quote.encode("utf-8", "replace")).hexdigest()[:32],
        "supported": span is not None,
        "start": span.start if span else None,
        "end": span.end if span else None,
        "attributes": runtime_text.storable_json(dict(finding.attributes)) or "{}",
    }


def _texts(session: Session, document_ids: Iterable[str | None]) -> Iterable[tuple[str, str]]:
    """A few at a time, as texts may be long; none for a document that is gone."""
    found = session.connection().execute(
        text(TEXTS).execution_options(yield_per=TEXTS_AT_ONCE), {"ids": sorted(filter(None, document_ids))}
    )
    return ((row.document_id, row.text) for row in found)


TEXTS = "SELECT document_id, text FROM document_text WHERE document_id = ANY(:ids)"
TEXTS_AT_ONCE = 20


def _execute(session: Session, sql: str, **columns: list[Any]) -> list[Any]:
    result = session.connection().exec_driver_sql(sql, columns)
    return list(result) if result.returns_rows else []


DERIVE_AT_ONCE = 200


def derive_chunk(limit: int = DERIVE_AT_ONCE) -> int:
    """Derive one chunk of answers and end the jobs that are through. Returns how many requests were derived."""
    with db.transaction() as session:
        derived = derive(session, limit)
        job_ids = sorted({d.job_id for d in derived if d.job_id})
        for job_id in job_ids:
            mine = [d for d in derived if d.job_id == job_id]
            merged = merges.settle(session, job_id, {d.merge_id for d in mine if d.merge_id})
            if merged or any(d.state == "pending" for d in mine):
                queue.defer(session, "pump_job", job_id=job_id)
    # Afterwards: of two chunks at the same time neither sees that the other was the rest.
    with db.transaction() as session:
        for job_id in job_ids:
            finishing.finish_if_done(session, job_id)
    return len(derived)
