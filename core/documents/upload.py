"""Add a file: its bytes once per content hash, its document, and the task that extracts it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from core.access import actor
from core.access.roles import require
from core.documents.extraction import SUPPORTED, media_type_of
from core.errors import InvalidInput
from core.runtime import correlation, db, disk, queue
from core.runtime.ids import new_id
from core.settings import limits
from core.tables.documents import Collection, Document

CHUNK_BYTES = 1 << 20
DEFAULT_COLLECTION = "default"


@dataclass(frozen=True)
class Added:
    document: Document
    duplicate: bool


@dataclass(frozen=True)
class Measured:
    """A file that may be stored. `media_type` None: of no known type."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str | None


def add(name: str, stream: BinaryIO, collection: str = DEFAULT_COLLECTION, *, media_type: str | None = None) -> Added:
    """Store an uploaded file and let the worker extract it. Known bytes in the same collection add nothing.

    `media_type` None: found out from content and name. A file of an unknown type is stored as a failed document.
    Raises InvalidInput for an empty or too large file, DiskFull where there is no room for it.
    """
    require("document.upload")
    file = measure(_file_name(name), stream, media_type)
    with db.transaction() as session:
        place = collection_named(session, collection)
        return store(session, file, stream, place.id)


def measure(name: str, stream: BinaryIO, media_type: str | None = None) -> Measured:
    """Raises InvalidInput and DiskFull as `add`."""
    sha256, size, head = _measure(stream)
    limit = limits.upload_mb()
    if size == 0:
        raise InvalidInput(f"{name} is empty. Choose a file with content.")
    if size > limit << 20:
        raise InvalidInput(f"{name} is larger than {limit} MB. Split it, or raise the limit on the Settings page.")
    disk.check_room_for(size)
    return Measured(name, sha256, size, media_type or media_type_of(name, head))


def store(
    session: Session, file: Measured, stream: BinaryIO, collection_id: str, *, part_of: Document | None = None
) -> Added:
    """`part_of`: the archive it came in. What is there already stays as it is, but what somebody adds by itself is no
    longer deleted with an archive."""
    lock_content(session, collection_id, [file.sha256])
    here: ColumnElement[bool] = col(Document.collection_id) == collection_id
    if part_of is not None:
        # A part of it that somebody moved elsewhere does not come a second time.
        here = or_(here, col(Document.part_of) == part_of.id)
    known = session.exec(select(Document).where(here, Document.sha256 == file.sha256)).first()
    if known is not None:
        if part_of is None:
            known.part_of = None
        return Added(known, duplicate=True)
    _store_blob(session, file.sha256, file.size_bytes, stream)
    document = Document(
        id=new_id("doc"),
        workspace_id=db.workspace_of(session),
        name=file.name,
        collection_id=collection_id,
        sha256=file.sha256,
        media_type=file.media_type or "application/octet-stream",
        size_bytes=file.size_bytes,
        correlation_id=correlation.current(),
        part_of=part_of.id if part_of else None,
        made_by=part_of.made_by if part_of else actor.current(),
    )
    if file.media_type is None:
        _fail(document, "UNKNOWN_TYPE", unknown_type_message())
    session.add(document)
    session.flush()
    if file.media_type is not None:
        queue.defer(session, "extract_document", document_id=document.id)
    session.refresh(document)
    return Added(document, duplicate=False)


def lock_content(session: Session, collection_id: str, hashes: Iterable[str]) -> None:
    """Until the end of the transaction nobody else brings these contents into the collection."""
    db.execute(session, LOCK_CONTENT, collection=collection_id, hashes=sorted(set(hashes)))


LOCK_CONTENT = """
SELECT pg_advisory_xact_lock(hashtextextended(:collection || h.sha256, 0))
FROM (SELECT unnest(CAST(:hashes AS text[])) AS sha256 ORDER BY 1) h
"""


def unknown_type_message() -> str:
    return f"This type of file is not read. Convert it to one of: {', '.join(sorted(set(SUPPORTED.values())))}."


def collection_named(session: Session, name: str) -> Collection:
    """The collection of that name, made when new."""
    name = name.strip() or DEFAULT_COLLECTION
    if len(name) > 200:
        raise InvalidInput("A collection's name holds at most 200 characters.")
    db.execute(
        session,
        """INSERT INTO collection (id, workspace_id, name) VALUES (:id, :workspace, :name)
           ON CONFLICT (workspace_id, name) DO NOTHING""",
        id=new_id("col"),
        name=name,
    )
    here = Collection.workspace_id == db.workspace_of(session)
    return session.exec(select(Collection).where(here, Collection.name == name)).one()


def _fail(document: Document, code: str, message: str) -> None:
    document.state, document.error_code, document.error_message = "failed", code, message


def _file_name(name: str) -> str:
    """The last part of the path that the browser sent, without control characters."""
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
