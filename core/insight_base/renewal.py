"""What an older release left without: keys of insights, groups of texts, the words that statements are found by, and
which passages give instructions. A task makes them, a few at a time. It also counts what ingest left to it, and forgets
former counts.

An insight of a release that joined statements by their words alone may hold answers to several questions, and two of
them may be one statement today. So its evidence goes to where it would go if it came now; the first insight that it
makes keeps the id, and what people made of it. A release that raises keys.VERSION sets `exact_key` to NULL in a
migration.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.insight_base import counts, decisions, former_counts, locks, marking, searched, text_groups
from core.insight_base.identity import Identity, identify
from core.runtime import db, queue
from core.runtime.ids import new_id

AT_ONCE = 200


def renew() -> int:
    """One step. Returns how much was done; 0 when nothing is left."""
    with db.transaction(everywhere=True) as session:
        done = _group_texts(session) or _give_keys(session)
        if done:
            queue.defer(session, "compare_insights")
        done = done or searched.renew(session) or _count_due(session) or former_counts.forget(session)
    return done or marking.mark_next()


IS_DUE = f"""
SELECT 1 WHERE EXISTS (SELECT 1 FROM insight WHERE exact_key IS NULL)
  OR EXISTS (SELECT 1 FROM document WHERE text_group IS NULL AND state = 'ready')
  OR EXISTS (SELECT 1 FROM statement_search WHERE words IS NULL)
  OR EXISTS (SELECT 1 FROM recount_due WHERE due_at <= now())
  OR EXISTS ({former_counts.IS_DUE})
  OR EXISTS ({marking.IS_DUE})
"""


def _count_due(session: Session) -> int:
    """One of those that ingest did not count, as they have so many documents."""
    due = [row.insight_id for row in db.rows(session, TAKE_DUE)]
    counts.recount(session, locks.lock(session, due), only_added=True)
    return len(due)


TAKE_DUE = """
DELETE FROM recount_due WHERE insight_id = (
  SELECT insight_id FROM recount_due WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING insight_id
"""


def _group_texts(session: Session) -> int:
    text_groups.lock(session)
    found = db.rows(session, WITHOUT_GROUP, most=20)
    text_groups.recount(session, {one for row in found for one in text_groups.assign(session, row.id, row.text)})
    return len(found)


WITHOUT_GROUP = """
SELECT d.id, t.text FROM document d JOIN document_text t ON t.document_id = d.id
WHERE d.text_group IS NULL AND d.state = 'ready' ORDER BY d.id LIMIT :most FOR NO KEY UPDATE OF d SKIP LOCKED
"""


def _give_keys(session: Session) -> int:
    waiting = [row.id for row in db.rows(session, WAITING, most=AT_ONCE)]
    locks.lock_around(session, [*waiting, *_targets(session, waiting)])
    old = db.rows(session, WITHOUT_KEY, ids=waiting)
    touched = {row.id for row in old}
    for row in old:
        for number, question in enumerate(_questions(session, row)):
            touched.add(_keyed(session, row, question, first=number == 0))
    searched.write(session, counts.heads_of(session, touched))
    counts.recount(session, counts.heads_of(session, touched))
    # One whose evidence went elsewhere stays only as the head of others.
    db.execute(session, KEEP_HEADS, ids=waiting)
    decisions.remember(session, touched)
    return len(waiting)


WAITING = "SELECT id FROM insight WHERE exact_key IS NULL ORDER BY id LIMIT :most"
KEEP_HEADS = (
    "UPDATE insight SET exact_key = '0.' || id, masked_key = '0.' || id WHERE id = ANY(:ids) AND exact_key IS NULL"
)
WITHOUT_KEY = """
SELECT i.*, (SELECT d.language FROM evidence e JOIN document d ON d.id = e.document_id WHERE e.insight_id = i.id
  ORDER BY e.id LIMIT 1) AS of_document
FROM insight i WHERE id = ANY(:ids) AND exact_key IS NULL ORDER BY id
"""


def _targets(session: Session, ids: Sequence[str]) -> list[str]:
    """The insights that have the keys already which these will get."""
    found = db.rows(session, WITHOUT_KEY, ids=list(ids))
    keys = {_identity(row, question).exact for row in found for question in _questions(session, row)}
    there = db.rows(session, "SELECT id FROM insight WHERE exact_key = ANY(:keys)", keys=sorted(keys))
    return [row.id for row in there]


def _identity(row: Row[Any], question: str | None) -> Identity:
    found = identify(row.workspace_id, row.language or row.of_document, question, row.statement)
    # A statement without words cannot be found by anything but itself.
    return found or Identity(f"0.{row.id}", f"0.{row.id}", None)


def _questions(session: Session, row: Row[Any]) -> Sequence[str | None]:
    if row.question is not None:
        return [row.question]
    return [found.question for found in db.rows(session, QUESTIONS, insight=row.id)] or [None]


QUESTIONS = """
SELECT CASE WHEN template_id = 'qa' THEN attributes->>'question' END AS question
FROM evidence WHERE insight_id = :insight GROUP BY 1 ORDER BY min(id)
"""


def _keyed(session: Session, row: Row[Any], question: str | None, *, first: bool) -> str:
    """The insight that has the statement's key for this question, with the evidence of it."""
    identity = _identity(row, question)
    there = db.scalar(session, "SELECT id FROM insight WHERE exact_key = :key", key=identity.exact)
    values = {
        "exact": identity.exact,
        "masked": identity.masked,
        "language": identity.language,
        "question": question,
        "old": row.id,
    }
    if there is None and first:
        db.execute(session, KEEP_ID, **values)
        return str(row.id)
    target = there or db.scalar(session, SPLIT_OFF, id=new_id("ins"), **values)
    db.execute(session, KEEP_STATE, to=target, state=row.state)
    db.execute(session, MOVE_EVIDENCE, to=target, old=row.id, question=question)
    # What is left was there already: the same quote of the same document.
    db.execute(session, DROP_COPIES, to=target, old=row.id, question=question)
    return str(target)


KEEP_ID = """
UPDATE insight SET exact_key = :exact, masked_key = :masked, language = :language, question = :question WHERE id = :old
"""
SPLIT_OFF = """
INSERT INTO insight (id, workspace_id, statement, exact_key, masked_key, language, question, kind, state, first_seen)
SELECT :id, workspace_id, statement, :exact, :masked, :language, :question, kind, state, first_seen
FROM insight WHERE id = :old
RETURNING id
"""
KEEP_STATE = "UPDATE insight SET state = :state WHERE id = :to AND state = 'new'"
OF_QUESTION = """
insight_id = :old
  AND (CASE WHEN template_id = 'qa' THEN attributes->>'question' END) IS NOT DISTINCT FROM CAST(:question AS text)
"""
MOVE_EVIDENCE = f"""
UPDATE evidence e SET insight_id = :to WHERE {OF_QUESTION} AND NOT EXISTS (SELECT 1 FROM evidence o
  WHERE o.insight_id = :to AND o.document_id = e.document_id AND o.quote_key = e.quote_key)
"""
DROP_COPIES = f"""
WITH gone AS (DELETE FROM evidence WHERE {OF_QUESTION} AND :to <> :old RETURNING id)
DELETE FROM sighting s USING gone WHERE s.evidence_id = gone.id
"""
