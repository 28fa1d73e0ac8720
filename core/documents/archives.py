"""Unpack an archive: its files become documents that are part of it. It has no text, and no job asks it."""

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict

import structlog
from sqlmodel import Session

from core.documents import reading, upload
from core.documents.extraction.process import Unpacked, unpack
from core.documents.extraction.received_files import UnpackedFile
from core.documents.warnings import in_order
from core.errors import ExtractionError, InvalidInput, NotFound
from core.runtime import db, queue, scratch, workspace
from core.runtime.disk import DiskFull
from core.settings import limits
from core.tables.documents import UNPACKED, Document
from core.tables.jobs import GOING, in_sql

log = structlog.get_logger()


def read(archive: Document, worker_id: int, on_stage: Callable[[str, int, int], None], stop: threading.Event) -> None:
    """Stores file by file; a run that ends in between leaves documents that the next one knows. Raises ExtractionError,
    NotFound once the archive is deleted or another's, and Unavailable."""
    folder = scratch.make(scratch.root() / f"{archive.id}-files")
    try:
        with reading.original(archive) as path:
            found = unpack(path, folder, limits.upload_mb() << 20, reading.limits(folder), on_stage, stop)
        with workspace.bound(archive.workspace_id):
            for number, file in enumerate(found.files):
                on_stage("storing", number, len(found.files))
                _add(archive, worker_id, file)
            _finish(archive, worker_id, found)
    finally:
        shutil.rmtree(folder)


def _add(archive: Document, worker_id: int, file: UnpackedFile) -> None:
    with file.path.open("rb") as stream:
        try:
            added = upload.measure(file.name, stream)
        except (DiskFull, InvalidInput) as error:
            raise ExtractionError(error.message, code=error.code) from error
        with db.transaction() as session:
            held = _hold(session, archive, worker_id)
            upload.store(session, added, stream, held.collection_id, part_of=held)


def _hold(session: Session, archive: Document, worker_id: int) -> Document:
    """Until the end of the transaction nobody deletes it, moves it, or puts it back to the queue."""
    held = db.within(session, Document, archive.id, lock="update")
    if held is None or held.state != "extracting" or held.worker_id != worker_id:
        raise NotFound(f"There is no document {archive.id} any more.")
    return held


def _finish(archive: Document, worker_id: int, found: Unpacked) -> None:
    """Jobs that wait for the archive ask its parts instead."""
    with db.transaction() as session:
        _hold(session, archive, worker_id)
        db.execute(
            session,
            DONE,
            archive=archive.id,
            state=UNPACKED,
            warnings=json.dumps([asdict(one) for one in in_order(found.warnings)]),
        )
        for row in db.rows(session, ASK_PARTS, archive=archive.id):
            queue.defer(session, "expand_job", job_id=row.job_id)
        db.execute(session, ASKED, archive=archive.id)
    log.info("archive unpacked", files=len(found.files))


DONE = """
UPDATE document SET state = :state, stage = NULL, stage_done = NULL, stage_total = NULL, worker_id = NULL,
  error_code = NULL, error_message = NULL, ready_at = now(), warnings = CAST(:warnings AS jsonb)
WHERE id = :archive AND workspace_id = :workspace
"""
ASK_PARTS = f"""
WITH waiting AS (
  SELECT jd.job_id FROM job_document jd JOIN job j ON j.id = jd.job_id AND j.workspace_id = :workspace
  WHERE jd.document_id = :archive AND NOT jd.expanded
), added AS (
  INSERT INTO job_document (job_id, document_id)
  SELECT w.job_id, p.id FROM waiting w CROSS JOIN document p
  WHERE p.part_of = :archive AND p.workspace_id = :workspace ON CONFLICT DO NOTHING
)
SELECT w.job_id FROM waiting w JOIN job j ON j.id = w.job_id WHERE j.state IN {in_sql(GOING)} ORDER BY w.job_id
"""
ASKED = """
UPDATE job_document jd SET expanded = true FROM document d
WHERE d.id = jd.document_id AND d.workspace_id = :workspace AND jd.document_id = :archive
"""
