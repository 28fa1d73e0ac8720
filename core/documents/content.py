"""A document's row, its text, and its original bytes as a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NoReturn

from sqlmodel import Session, col, select

from core.errors import Conflict, NotFound
from core.injection.detect import Reason
from core.runtime import db
from core.tables.documents import UNPACKED, BlobChunk, Document, DocumentText

GONE = "There is no document {}. It may have been deleted."


def get(document_id: str) -> Document:
    with db.transaction() as session:
        return _get(session, document_id)


def text_of(document_id: str) -> DocumentText:
    """Raises NotFound; Conflict while there is no text: not extracted yet, or failed."""
    return quoted_in(document_id, None, None)[0]


def _refuse(document_id: str) -> NoReturn:
    with db.reading() as session:
        document = db.row(session, WITHOUT_TEXT, document=document_id)
    if document is None:
        raise NotFound(GONE.format(document_id))
    if document.state == UNPACKED:
        raise Conflict("An archive has no text: each of its files is a document of its own.")
    raise Conflict(document.error_message or "The text of this document is not extracted yet. Try again soon.")


WITHOUT_TEXT = "SELECT state, error_message FROM document WHERE id = :document AND workspace_id = :workspace"


def quoted_in(document_id: str, start: int | None, end: int | None) -> tuple[DocumentText, tuple[int, int] | None]:
    """The text, and the span if a piece of evidence points to it in this very text. Raises as `text_of`.

    A link to a quote outlives the text that it was made for: one that is read again may be another. So text and
    evidence are read by one statement, and a span that no evidence has any more marks nothing.
    """
    with db.reading() as session:
        found = db.row(session, QUOTED_IN, document=document_id, start=start, end=end)
    if found is None:
        _refuse(document_id)
    text = DocumentText(
        document_id=document_id,
        text=found.text,
        sha256=found.sha256,
        page_starts=found.page_starts,
        marks=found.marks,
    )
    return text, (start, end) if found.quoted and start is not None and end is not None else None


QUOTED_IN = """
SELECT t.text, t.sha256, t.page_starts, t.marks, EXISTS (
  SELECT 1 FROM evidence e WHERE e.document_id = t.document_id
    AND (e.start = :start AND e."end" = :end OR e.nearest_start = :start AND e.nearest_end = :end)
  UNION ALL SELECT 1 FROM field_quote q WHERE q.document_id = t.document_id
    AND (q.start = :start AND q."end" = :end OR q.nearest_start = :start AND q.nearest_end = :end)) AS quoted
FROM document d JOIN document_text t ON t.document_id = d.id
WHERE d.id = :document AND d.workspace_id = :workspace
"""


@dataclass(frozen=True)
class Marked:
    """A passage that gives instructions to a model, and why it seems to."""

    start: int
    end: int
    reasons: tuple[Reason, ...]
    text: str


def marked(text: DocumentText) -> tuple[Marked, ...] | None:
    """None: it was not looked at yet."""
    if text.marks is None:
        return None
    return tuple(Marked(start, end, tuple(reasons), text.text[start:end]) for start, end, reasons in text.marks)


def original(document_id: str) -> tuple[Document, Iterator[bytes]]:
    """The document and its bytes, a chunk at a time. Raises NotFound, also in the middle, once it is deleted."""
    document = get(document_id)
    return document, bytes_of(document)


def bytes_of(document: Document) -> Iterator[bytes]:
    """Raises NotFound as `original`."""
    chunks = _chunks(document.sha256, document.size_bytes)
    # Read before anything is sent, so that a deleted document is NotFound rather than a broken download.
    first = next(chunks, b"")
    return chain([first], chunks)


def _get(session: Session, document_id: str) -> Document:
    document = db.within(session, Document, document_id)
    if document is None:
        raise NotFound(GONE.format(document_id))
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
