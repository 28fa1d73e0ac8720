"""Use cases of documents: add, extract, read, try again, delete."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from sqlmodel import Session, col, select

from core.answers.record import recount
from core.documents.extraction import SUPPORTED, media_type_of
from core.errors import Conflict, InvalidInput, NotFound
from core.runtime import correlation, db, queue
from core.runtime.ids import new_id
from core.settings import limits
from core.tables import BlobChunk, Collection, Document, DocumentText

CHUNK_BYTES = 1 << 20
DEFAULT_COLLECTION = "default"


@dataclass(frozen=True)
class Added:
    document: Document
    duplicate: bool


def add(name: str, stream: BinaryIO, collection: str = DEFAULT_COLLECTION, *, media_type: str | None = None) -> Added:
    """Store an uploaded file and let the worker extract it. Known bytes in the same collection add nothing.

    `media_type` says what it is where that is known; otherwise its content and name tell.
    Raises InvalidInput for an empty or too large file; an unknown type is stored and says so on the document.
    """
    name = _file_name(name)
    sha256, size, head = _measure(stream)
    limit = limits.upload_mb()
    if size == 0:
        raise InvalidInput(f"{name} is empty. Choose a file with content.")
    if size > limit << 20:
        raise InvalidInput(f"{name} is larger than {limit} MB. Split it, or raise the limit on the Settings page.")
    media_type = media_type or media_type_of(name, head)
    with db.transaction() as session:
        place = collection_named(session, collection)
        known = session.exec(
            select(Document).where(Document.collection_id == place.id, Document.sha256 == sha256)
        ).first()
        if known is not None:
            return Added(known, duplicate=True)
        _store_blob(session, sha256, size, stream)
        document = Document(
            id=new_id("doc"),
            name=name,
            collection_id=place.id,
            sha256=sha256,
            media_type=media_type or "application/octet-stream",
            size_bytes=size,
            correlation_id=correlation.current(),
        )
        if media_type is None:
            _fail(document, "UNKNOWN_TYPE", unknown_type_message())
        session.add(document)
        session.flush()
        if media_type is not None:
            queue.defer(session, "extract_document", document_id=document.id)
        session.refresh(document)
        return Added(document, duplicate=False)


def unknown_type_message() -> str:
    return f"This type of file is not read. Convert it to one of: {', '.join(sorted(set(SUPPORTED.values())))}."


def get(document_id: str) -> Document:
    with db.transaction() as session:
        return _get(session, document_id)


def text_of(document_id: str) -> DocumentText:
    """Raises Conflict while there is no text: not extracted yet, or failed."""
    with db.transaction() as session:
        document = _get(session, document_id)
        text = session.get(DocumentText, document_id)
        if text is None:
            raise Conflict(document.error_message or "The text of this document is not extracted yet. Try again soon.")
        return text


def original(document_id: str) -> tuple[Document, Iterator[bytes]]:
    """The document and its bytes, a chunk at a time; NotFound instead of the next one once it is deleted."""
    document = get(document_id)
    chunks = _chunks(document.sha256, document.size_bytes)
    # Read before anything is sent, so that one who comes too late hears it at once.
    first = next(chunks, b"")
    return document, chain([first], chunks)


def retry(document_id: str) -> Document:
    """Extract a failed document once more; with any other state, nothing happens."""
    with db.transaction() as session:
        document = session.get(Document, document_id, with_for_update=True)
        if document is None:
            raise NotFound(f"There is no document {document_id}.")
        if document.state == "failed":
            if document.media_type not in SUPPORTED:  # it may have become known since
                document.media_type = _media_type_again(session, document)
            document.state, document.waiting_since = "queued", db.now(session)
            document.correlation_id = correlation.current() or document.correlation_id
            document.stage = document.stage_done = document.stage_total = None
            document.error_code = document.error_message = None
            session.flush()
            queue.defer(session, "extract_document", document_id=document_id)
        return document


@dataclass(frozen=True)
class Removed:
    """What went for good. `size_bytes` are of files that no other document has."""

    documents: int = 0
    size_bytes: int = 0
    responses: int = 0
    evidence: int = 0
    insights: int = 0


def delete(document_id: str) -> None:
    """Remove bytes, text, bodies, responses and evidence; usage records stay.

    Requests not yet sent are cancelled first; one that is being answered right now is still billed when heard.
    """
    with db.transaction() as session:
        if session.get(Document, document_id, with_for_update=True) is None:
            raise NotFound(f"There is no document {document_id}.")
        remove(session, [document_id])


def remove(session: Session, ids: Sequence[str]) -> Removed:
    """The same of several documents, which the caller has locked."""
    chosen = list(ids)
    db.rows(session, LOCK_INSIGHTS, ids=chosen)
    evidence = db.rows(session, DELETE_EVIDENCE, ids=chosen)
    insights = recount(session, [row.insight_id for row in evidence])
    for statement in (DELETE_BODIES, CANCEL_REQUESTS):
        db.execute(session, statement, ids=chosen)
    quoted = sorted({row.response_id for row in evidence})
    responses = db.execute(session, DELETE_RESPONSES, ids=chosen, quoted=quoted)
    db.execute(session, LEAVE_JOBS, ids=chosen)
    hashes = [row.sha256 for row in db.rows(session, DELETE_DOCUMENTS, ids=chosen)]
    blobs = db.rows(session, DELETE_BLOBS, hashes=sorted(set(hashes)))
    return Removed(len(hashes), sum(row.size_bytes for row in blobs), responses, len(evidence), insights)


# In key order, as those who write insights lock them.
LOCK_INSIGHTS = """
SELECT id FROM insight WHERE id IN (SELECT insight_id FROM evidence WHERE document_id = ANY(:ids))
ORDER BY statement_key FOR UPDATE
"""
DELETE_EVIDENCE = "DELETE FROM evidence WHERE document_id = ANY(:ids) RETURNING insight_id, response_id"
DELETE_BODIES = "DELETE FROM request_body b USING request r WHERE b.request_id = r.id AND r.document_id = ANY(:ids)"
CANCEL_REQUESTS = """
UPDATE request SET state = 'cancelled', finished_at = now(), worker_id = NULL
WHERE document_id = ANY(:ids) AND state IN ('held', 'pending', 'in_flight', 'answered')
"""
# An answer's job may be gone and its evidence have stayed. One that a document reuses which is still there, or that
# its evidence stands on, stays: the same text stands there, too.
DELETE_RESPONSES = """
WITH theirs AS (
  SELECT s.id FROM request r JOIN response s ON s.request_id = r.id WHERE r.document_id = ANY(:ids)
  UNION SELECT r.response_id FROM request r WHERE r.document_id = ANY(:ids)
  UNION SELECT unnest(CAST(:quoted AS bigint[]))
)
DELETE FROM response s USING theirs WHERE s.id = theirs.id
  AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.response_id = s.id)
  AND NOT EXISTS (SELECT 1 FROM request o WHERE o.response_id = s.id AND (o.document_id IS NULL
    OR o.document_id <> ALL(:ids) AND EXISTS (SELECT 1 FROM document d WHERE d.id = o.document_id)))
"""
LEAVE_JOBS = "UPDATE job_document SET expanded = true WHERE document_id = ANY(:ids)"
DELETE_DOCUMENTS = "DELETE FROM document WHERE id = ANY(:ids) RETURNING sha256"
DELETE_BLOBS = """
DELETE FROM blob b WHERE sha256 = ANY(:hashes) AND NOT EXISTS (SELECT 1 FROM document d WHERE d.sha256 = b.sha256)
RETURNING size_bytes
"""


def collection_named(session: Session, name: str) -> Collection:
    """The collection of that name, made when new."""
    name = name.strip() or DEFAULT_COLLECTION
    if len(name) > 200:
        raise InvalidInput("A collection's name holds at most 200 characters.")
    db.execute(
        session,
        "INSERT INTO collection (id, name) VALUES (:id, :name) ON CONFLICT (name) DO NOTHING",
        id=new_id("col"),
        name=name,
    )
    return session.exec(select(Collection).where(Collection.name == name)).one()


def _get(session: Session, document_id: str) -> Document:
    document = session.get(Document, document_id)
    if document is None:
        raise NotFound(f"There is no document {document_id}. It may have been deleted.")
    return document


def _fail(document: Document, code: str, message: str) -> None:
    document.state, document.error_code, document.error_message = "failed", code, message


def _media_type_again(session: Session, document: Document) -> str:
    head = session.get(BlobChunk, (document.sha256, 0))
    return (media_type_of(document.name, head.data) if head else None) or document.media_type


def _file_name(name: str) -> str:
    """The last part of whatever path the browser sent, without control characters."""
    plain = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable()).strip()
    return plain[:255] or "unnamed"


def _measure(stream: BinaryIO) -> tuple[str, int, bytes]:
    digest, size, head = hashlib.sha256(), 0, b""
    stream.seek(0)
    while chunk := stream.read(CHUNK_BYTES):
        head = head or chunk
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size, head


def _store_blob(session: Session, sha256: str, size: int, stream: BinaryIO) -> None:
    created = db.execute(
        session,
        "INSERT INTO blob (sha256, size_bytes) VALUES (:sha256, :size) ON CONFLICT DO NOTHING",
        sha256=sha256,
        size=size,
    )
    if not created:
        return
    stream.seek(0)
    copy = "COPY blob_chunk (sha256, number, data) FROM STDIN (FORMAT binary)"
    with db.driver_connection(session).cursor() as cursor, cursor.copy(copy) as rows:
        rows.set_types(["text", "int4", "bytea"])
        number = 0
        while chunk := stream.read(CHUNK_BYTES):
            rows.write_row((sha256, number, chunk))
            number += 1


def _chunks(sha256: str, size: int) -> Iterator[bytes]:
    """All bytes or an error: a connection per chunk, as one that is held for a slow reader is missed by others."""
    number = sent = 0
    while sent < size:
        with db.transaction() as session:
            chunk = session.exec(
                select(col(BlobChunk.data)).where(BlobChunk.sha256 == sha256, BlobChunk.number == number)
            ).first()
        if chunk is None:
            raise NotFound("The original of this document is gone. It may have been deleted.")
        yield chunk
        number += 1
        sent += len(chunk)
