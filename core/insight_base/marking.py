"""Passages of documents that give instructions to a model, for texts that the detector of this release has not seen:
a task looks at them, one at a time, and puts in quarantine what rests on them.

New texts are marked when they are read (core.documents.reading).
"""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlmodel import Session

from core.injection import detect
from core.injection.detect import Instruction
from core.insight_base import counts, locks
from core.runtime import db

# [start, end, reasons] of each passage, in order.
Stored = list[tuple[int, int, Sequence[str]]]


def stored(passages: Sequence[Instruction]) -> Stored:
    return [(one.start, one.end, one.reasons) for one in passages]


def mark_next() -> int:
    """Look at one text. Returns 1, or 0 when none is left."""
    with db.transaction() as session:
        waiting = db.row(session, NEXT, version=detect.VERSION)
    if waiting is None:
        return 0
    # Outside of a transaction: of a long text it takes seconds.
    found = stored(detect.passages(waiting.text))
    with db.transaction() as session:
        _mark(session, waiting.document_id, waiting.sha256, found)
    return 1


NEXT = """
SELECT document_id, sha256, text FROM document_text WHERE marks_version < :version
ORDER BY marks_version, document_id LIMIT 1
"""
IS_DUE = f"SELECT 1 FROM document_text WHERE marks_version < {detect.VERSION}"


def _mark(session: Session, document_id: str, sha256: str, found: Stored) -> None:
    # Nobody derives an answer about it from here to the commit.
    document = db.row(session, LOCK, document=document_id)
    given: dict[str, Any] = {"document": document_id, "marks": orjson.dumps(found).decode(), "version": detect.VERSION}
    if document is None or not db.execute(session, WRITE, sha256=sha256, **given):
        return
    resting = [row.insight_id for row in db.rows(session, TURNING, document=document_id)]
    db.execute(session, TURN_FIELDS, document=document_id)
    if resting:
        locked = locks.lock_around(session, resting)
        db.execute(session, TURN, document=document_id)
        counts.recount(session, locked, only_added=True)


LOCK = "SELECT id FROM document WHERE id = :document FOR UPDATE"
WRITE = """
UPDATE document_text SET marks = CAST(:marks AS jsonb), marks_version = :version
WHERE document_id = :document AND sha256 = :sha256
"""
# As core.evidence.quotes.SourceText.is_marked has it.
_MARKED = """coalesce((SELECT bool_or((m->>0)::int < coalesce({e}."end", {e}.nearest_end)
    AND coalesce({e}.start, {e}.nearest_start) < (m->>1)::int)
  FROM document_text t, jsonb_array_elements(t.marks) m WHERE t.document_id = :document), false)"""
TURNING = f"""
SELECT DISTINCT e.insight_id FROM evidence e
WHERE e.document_id = :document AND e.quarantined <> {_MARKED.format(e="e")}
"""
TURN = f"""
UPDATE evidence e SET quarantined = NOT e.quarantined
WHERE e.document_id = :document AND e.quarantined <> {_MARKED.format(e="e")}
"""
TURN_FIELDS = f"""
UPDATE field_quote q SET quarantined = NOT q.quarantined
WHERE q.document_id = :document AND q.quarantined <> {_MARKED.format(e="q")}
"""
