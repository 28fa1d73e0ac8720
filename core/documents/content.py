"""A document's row, its text, and its original bytes as a stream."""

from collections.abc import Iterator
from itertools import chain

from sqlmodel import Session, col, select

from core.errors import Conflict, NotFound
from core.runtime import db
from core.tables.documents import BlobChunk, Document, DocumentText


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
    """The document and its bytes, a chunk at a time. Raises NotFound, also in the middle, once it is deleted."""
    document = get(document_id)
    chunks = _chunks(document.sha256, document.size_bytes)
    # Read before anything is sent, so that a deleted document is NotFound rather than a broken download.
    first = next(chunks, b"")
    return document, chain([first], chunks)


def _get(session: Session, document_id: str) -> Document:
    document = session.get(Document, document_id)
    if document is None:
        raise NotFound(f"There is no document {document_id}. It may have been deleted.")
    return document


def _chunks(sha256: str, size: int) -> Iterator[bytes]:
    """All bytes or an error. A transaction per chunk: a slow client must not keep a connection of the pool."""
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
