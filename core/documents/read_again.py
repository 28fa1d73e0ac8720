"""Read documents again that have a text: it stays in use until the new one has taken its place.

A document's evidence points into its text. So the new text is stored in the transaction that gives all of its evidence
the verdict it has there, while the document is locked: answers that are derived at the time (core.answers.derive) wait
or come later, and are then checked against the new text, whichever one they were made from. A job that is going asks on
with the requests that it has made; new ones have another fingerprint if the text is another one.
"""

import threading

import structlog
from sqlmodel import Session

from core.access.roles import require
from core.documents import reading, report
from core.documents.claims import until_stored
from core.documents.extraction.process import Extracted
from core.documents.report import Filters
from core.errors import ExtractionError, NotFound, Unavailable
from core.evidence.quotes import SourceText
from core.injection import detect
from core.insight_base import field_quotes, rechecking, text_groups
from core.insight_base.rechecking import Checked
from core.runtime import correlation, db, queue, worker_lease
from core.runtime.text import text_hash
from core.tables.documents import Document

log = structlog.get_logger()


def ask(session: Session, document_id: str) -> None:
    """Have one document read again, before any that were asked for together. One that is being read stays as it is."""
    db.execute(session, ASK, document=document_id, correlation=correlation.current())
    queue.defer(session, "read_again")


ASK = """
INSERT INTO read_again (document_id, correlation_id) VALUES (:document, :correlation)
ON CONFLICT (document_id) DO UPDATE SET many = false, asked_at = now(), error_code = NULL, error_message = NULL,
  correlation_id = excluded.correlation_id WHERE read_again.worker_id IS NULL
"""


def ask_all(filters: Filters) -> int:
    """Have all documents read again that match and have a text. Returns how many; those that wait already count.
    Raises Forbidden: many are somebody else's."""
    require("document.delete")
    condition, given = report.matching(filters)
    with db.transaction() as session:
        asked = db.execute(session, ASK_ALL.format(condition=condition), **given, correlation=correlation.current())
        queue.defer(session, "read_again")
        return asked


ASK_ALL = f"""
INSERT INTO read_again (document_id, many, correlation_id)
SELECT d.id, true, CAST(:correlation AS text) FROM document d JOIN collection c ON c.id = d.collection_id
WHERE d.workspace_id = :workspace AND {{condition}} AND {report.HAS_TEXT}
ON CONFLICT (document_id) DO UPDATE SET error_code = NULL, error_message = NULL
"""


def read_next(worker_id: int, stop: threading.Event) -> bool:
    """Read the next document again that waits for it. False when none does."""
    waits = None
    try:
        with db.transaction(everywhere=True) as session:
            waits = db.row(session, NEXT)
            if waits is None:
                return False
            document = session.get(Document, waits.document_id)
            if document is None or document.state != "ready":
                db.execute(session, FORGET, document=waits.document_id)
                return True
            db.execute(session, CLAIM, document=document.id, worker=worker_id)
            worker_lease.renew(session, worker_id)
    except Unavailable:
        # The commit may have succeeded all the same. This worker is alive, so nobody else would put the document back.
        if waits is not None:
            document_id = waits.document_id
            until_stored(lambda: _put_back(document_id, worker_id), stop)
        return False
    with correlation.bound(waits.correlation_id, document=document.id):
        _read(document, worker_id, stop)
    return True


NEXT = """
SELECT document_id, correlation_id FROM read_again WHERE worker_id IS NULL AND error_code IS NULL
ORDER BY many, asked_at, document_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
CLAIM = "UPDATE read_again SET worker_id = :worker WHERE document_id = :document"
FORGET = "DELETE FROM read_again WHERE document_id = :document"


def _read(document: Document, worker_id: int, stop: threading.Event) -> None:
    try:
        with reading.foreseen():
            extracted = reading.read(document, lambda stage, done, total: None, stop)
            checked = rechecking.check_ahead(document.id, _source(extracted))
            until_stored(lambda: _replace(document.id, worker_id, extracted, checked), stop)
    except NotFound as error:  # its original; of a document that was deleted nothing is left to say so
        gone = ExtractionError(error.message, code=error.code)
        until_stored(lambda: _failed(document.id, worker_id, gone), stop)
    except Unavailable:
        until_stored(lambda: _put_back(document.id, worker_id), stop)
    except ExtractionError as error:
        failure = error
        log.info("document not read again", code=error.code)
        until_stored(lambda: _failed(document.id, worker_id, failure), stop)


KNOWN = "SELECT sha256, marks_version FROM document_text WHERE document_id = :document"


def _source(extracted: Extracted) -> SourceText:
    return SourceText(extracted.text, [(one.start, one.end) for one in extracted.marks or ()])


def _put_back(document_id: str, worker_id: int) -> None:
    with db.transaction(everywhere=True) as session:
        db.execute(session, f"UPDATE read_again SET worker_id = NULL {MINE}", document=document_id, worker=worker_id)


MINE = "WHERE document_id = :document AND worker_id = :worker"


def _failed(document_id: str, worker_id: int, error: ExtractionError) -> None:
    """The text stays. A passing reason, such as a stopping worker, puts the document back; any other is shown on it."""
    if error.retryable:
        return _put_back(document_id, worker_id)
    with db.transaction(everywhere=True) as session:
        db.execute(
            session,
            f"UPDATE read_again SET worker_id = NULL, error_code = :code, error_message = :message {MINE}",
            document=document_id,
            worker=worker_id,
            code=error.code,
            message=error.message,
        )


def _replace(document_id: str, worker_id: int, extracted: Extracted, checked: Checked) -> None:
    """The new text with the verdicts in it, or nothing at all. Does nothing where another worker has taken over."""
    with db.transaction(everywhere=True) as session:
        text_groups.lock(session)
        # Nobody derives an answer about it from here to the commit.
        session.get(Document, document_id, with_for_update=True)
        if not db.execute(session, f"DELETE FROM read_again {MINE}", document=document_id, worker=worker_id):
            return
        known = db.row(session, KNOWN, document=document_id)
        changed = known is None or (known.sha256, known.marks_version) != (text_hash(extracted.text), detect.VERSION)
        reading.store_text(session, document_id, extracted)
        if changed:
            source = _source(extracted)
            rechecking.recheck_against(session, document_id, source, checked)
            field_quotes.recheck(session, document_id, source)
    log.info("document read again", characters=len(extracted.text), changed=changed)
