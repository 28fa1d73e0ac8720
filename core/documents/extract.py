"""Extract one document: claim it, have it read, store the text."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from sqlmodel import Session

from core.access.roles import require
from core.documents import archives, claims, read_again, reading
from core.documents.claims import until_stored
from core.documents.extraction import SUPPORTED, media_type_of
from core.documents.extraction.formats import ZIP
from core.documents.extraction.process import Extracted
from core.errors import ExtractionError, NotFound, Unavailable
from core.insight_base import text_groups
from core.runtime import correlation, db, queue
from core.tables.documents import UNPACKED, BlobChunk, Document
from core.tables.jobs import GOING, in_sql

log = structlog.get_logger()
STAGE_EVERY_SECONDS = 0.3


def extract_document(document_id: str, worker_id: int, stop: threading.Event) -> None:
    """Bring a queued document to `ready` or `failed`. Does nothing when another worker has it or it is gone.

    Interrupted by `stop`, it goes back to the queue.
    """
    try:
        document = claims.claim(document_id, worker_id)
    except Unavailable:
        # The commit may have succeeded all the same. This worker is alive, so nobody else would put the document back.
        until_stored(lambda: claims.put_back(document_id, worker_id), stop)
        return
    if document is not None:
        _extract(document, worker_id, stop)


def extract_next(turns: claims.Turns, stop: threading.Event) -> None:
    """The same for the document whose turn it is."""
    try:
        document = turns.claim(stop)
    except Unavailable:
        return  # what is queued is found again
    if document is not None:
        _extract(document, turns.worker_id, stop)


def _extract(document: Document, worker_id: int, stop: threading.Event) -> None:
    with correlation.bound(document.correlation_id, document=document.id):
        _read(document, worker_id, stop)


def _read(document: Document, worker_id: int, stop: threading.Event) -> None:
    document_id = document.id
    try:
        with reading.foreseen():
            if document.media_type == ZIP:
                return archives.read(document, worker_id, _on_stage(document_id), stop)
            extracted = reading.read(document, _on_stage(document_id), stop)
            log.info("document read", characters=len(extracted.text))
            until_stored(lambda: _store(document_id, worker_id, extracted), stop)
    except NotFound:
        return
    except Unavailable:
        until_stored(lambda: claims.put_back(document_id, worker_id), stop)
    except ExtractionError as error:
        failure = error
        log.info("document not read", code=error.code)
        until_stored(lambda: _failed(document_id, worker_id, failure), stop)


def _on_stage(document_id: str) -> Callable[[str, int, int], None]:
    """Writes the newest stage to the document, a few times a second at most, and nothing of what is soon over."""
    begun, last = time.monotonic(), ("", 0.0)

    def on_stage(stage: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - begun < STAGE_EVERY_SECONDS:
            return
        if stage == last[0] and time.monotonic() - last[1] < STAGE_EVERY_SECONDS:
            return
        last = (stage, time.monotonic())
        # A stage is only shown: one that cannot be written must not end the extraction.
        with suppress(Unavailable), db.transaction(everywhere=True) as session:
            db.execute(
                session,
                """UPDATE document SET stage = :stage, stage_done = :done, stage_total = :total
                   WHERE id = :document AND state = 'extracting'""",
                document=document_id,
                stage=stage,
                done=done,
                total=total,
            )

    return on_stage


def _failed(document_id: str, worker_id: int, error: ExtractionError) -> None:
    """A passing reason, such as a stopping worker, puts the document back; any other is shown on it."""
    with db.transaction(everywhere=True) as session:
        db.execute(
            session,
            """UPDATE document SET state = :state, error_code = :code, error_message = :message, stage = NULL,
                 worker_id = NULL, waiting_since = now()
               WHERE id = :document AND state = 'extracting' AND worker_id = :worker""",
            document=document_id,
            worker=worker_id,
            state="queued" if error.retryable else "failed",
            code=None if error.retryable else error.code,
            message=None if error.retryable else error.message,
        )
        if not error.retryable:
            _nudge_jobs(session, document_id)


def _store(document_id: str, worker_id: int, extracted: Extracted) -> None:
    with db.transaction(everywhere=True) as session:
        text_groups.lock(session)
        stored = db.execute(
            session,
            """UPDATE document SET state = 'ready', stage = NULL, stage_done = NULL, stage_total = NULL,
                 worker_id = NULL, error_code = NULL, error_message = NULL, ready_at = now()
               WHERE id = :document AND state = 'extracting' AND worker_id = :worker""",
            document=document_id,
            worker=worker_id,
        )
        if not stored:
            return
        reading.store_text(session, document_id, extracted)
        _nudge_jobs(session, document_id)


def _nudge_jobs(session: Session, document_id: str) -> None:
    """Expand the jobs that wait for this document."""
    waiting = db.rows(
        session,
        f"""SELECT jd.job_id FROM job_document jd JOIN job j ON j.id = jd.job_id
           WHERE jd.document_id = :document AND NOT jd.expanded AND j.state IN {in_sql(GOING)}
           ORDER BY jd.job_id""",
        document=document_id,
    )
    for row in waiting:
        queue.defer(session, "expand_job", job_id=row.job_id)


def retry(document_id: str) -> Document:
    """Read a failed or a ready document again; a ready one keeps its text until then. An archive is unpacked again:
    what is there stays. One that waits to be read or is being read stays as it is. Raises NotFound,
    Forbidden."""
    with db.transaction() as session:
        document = db.within(session, Document, document_id, lock="update")
        if document is None:
            raise NotFound(f"There is no document {document_id}.")
        require("document.delete", document.made_by)
        if document.state in ("failed", UNPACKED):
            if document.media_type not in SUPPORTED:  # it may have become known since
                document.media_type = _media_type_again(session, document)
            document.state, document.waiting_since = "queued", db.now(session)
            document.correlation_id = correlation.current() or document.correlation_id
            document.stage = document.stage_done = document.stage_total = None
            document.error_code = document.error_message = None
            session.flush()
            queue.defer(session, "extract_document", document_id=document_id)
        elif document.state == "ready":
            read_again.ask(session, document_id)
        return document


def _media_type_again(session: Session, document: Document) -> str:
    head = session.get(BlobChunk, (document.sha256, 0))
    return (media_type_of(document.name, head.data) if head else None) or document.media_type
