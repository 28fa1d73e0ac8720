"""Collections, documents, their bytes and their text."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import (
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT4MULTIRANGE, JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns

# What a file may hold that its text does not. See core.documents.warnings.
WarningCode = Literal[
    "ATTACHMENTS_UNREAD",
    "CELLS_WITHOUT_VALUE",
    "CHARACTERS_UNREAD",
    "CHARTS_UNREAD",
    "COMMENTS_UNREAD",
    "ENCRYPTED_UNREAD",
    "HIDDEN_UNREAD",
    "NUMBERS_UNREAD",
    "OCR_OFF",
    "PAGES_WITHOUT_TEXT",
    "PARTS_UNREAD",
    "PICTURES_UNREAD",
    "REST_UNREAD",
    "WORDS_UNSURE",
]
WARNING_CODES: tuple[WarningCode, ...] = get_args(WarningCode)


@dataclass(frozen=True)
class DocumentWarning:
    """Something that a file holds and its text does not: `count` of them, on these pages (from 1) where it has pages,
    or of these names where it is an archive (not all of them, where they are many).

    `document.warnings` is a list of these: empty, all of it is there; NULL, it was read before Cairn told.
    """

    code: WarningCode
    count: int
    pages: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


def warnings_of(stored: list[dict[str, Any]] | None) -> tuple[DocumentWarning, ...] | None:
    """The column as data. A code that is not known here comes from a newer release."""
    if stored is None:
        return None
    return tuple(
        DocumentWarning(one["code"], one["count"], tuple(one["pages"]), tuple(one.get("names", ()))) for one in stored
    )


# SQL: whether evidence e quotes words that were recognized in a picture.
QUOTES_RECOGNIZED = """(e."end" IS NOT NULL AND EXISTS (SELECT FROM document_text o
  WHERE o.document_id = e.document_id AND o.recognized && int4range(e.start, e."end")))"""
# Of an archive whose files have become documents. It has no text, so nothing that wants one finds it in this state;
# over HTTP it is "ready".
UNPACKED = "unpacked"

# SQL conditions on a document d, as in its indexes.
READ_IN_PART = "d.warnings <> '[]'"
NOT_KNOWN = "d.warnings IS NULL AND d.state = 'ready'"


TURN = "CASE WHEN starts_with(made_by, 'user_') THEN made_by ELSE collection_id END"


class Collection(SQLModel, table=True):
    __tablename__: ClassVar[str] = "collection"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)
    id: str = Field(primary_key=True)
    workspace_id: str = columns.workspace()
    name: str
    created_at: datetime = columns.time(default_now=True)


class Blob(SQLModel, table=True):
    """A file's bytes, once per content hash, in chunks so that no row and no read is large."""

    __tablename__: ClassVar[str] = "blob"
    sha256: str = Field(primary_key=True)
    size_bytes: int = columns.big()
    created_at: datetime = columns.time(default_now=True)


class BlobChunk(SQLModel, table=True):
    __tablename__: ClassVar[str] = "blob_chunk"
    sha256: str = Field(
        sa_column=Column(Text, ForeignKey("blob.sha256", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Document(SQLModel, table=True):
    __tablename__: ClassVar[str] = "document"
    __table_args__ = (
        UniqueConstraint("collection_id", "sha256"),
        Index("ix_document_collection", "collection_id", "id"),
        Index("ix_document_state", "state", "workspace_id"),
        Index("ix_document_queued", "turn", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_document_read_in_part", "id", postgresql_where=text("warnings <> '[]'::jsonb")),
        Index("ix_document_without_group", "id", postgresql_where=text("text_group IS NULL AND state = 'ready'")),
        Index("ix_document_part_of", "part_of", "id", postgresql_where=text("part_of IS NOT NULL")),
        Index("ix_document_not_known", "id", postgresql_where=text("warnings IS NULL AND state = 'ready'")),
    )
    id: str = Field(primary_key=True)
    workspace_id: str = columns.workspace()
    name: str
    collection_id: str = Field(foreign_key="collection.id")
    sha256: str = Field(foreign_key="blob.sha256", index=True)
    media_type: str
    size_bytes: int = columns.big()
    state: str = Field(default="queued")
    stage: str | None = None
    stage_done: int | None = None
    stage_total: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    pages: int | None = None
    characters: int | None = None
    tokens: int | None = None
    language: str | None = None
    # DocumentWarnings.
    warnings: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    # Numbers of the pages, from 1, with words that were recognized in pictures; a document without pages is one. NULL:
    # it was read before there was that.
    read_by_ocr: list[int] | None = Field(default=None, sa_column=Column(ARRAY(Integer)))
    # The first document of those whose texts are nearly the same as this one's; itself where there is no other.
    text_group: str | None = Field(default=None, index=True)
    # The archive that it came in: it goes with it.
    part_of: str | None = Field(default=None, foreign_key="document.id")
    worker_id: int | None = columns.big(nullable=True)
    # Who uploaded it: a person's id, or a door.
    made_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    # In whose turn it is read: its person's, or its collection's where nobody was signed in.
    turn: str | None = Field(default=None, sa_column=Column(Text, Computed(TURN, persisted=True)))
    created_at: datetime = columns.time(default_now=True)
    # From when on it is queued, or a worker reads it.
    waiting_since: datetime = columns.time(default_now=True)
    # The id of the click or API call that last asked for its text.
    correlation_id: str | None = None
    ready_at: datetime | None = columns.time(nullable=True)


class ReadAgain(SQLModel, table=True):
    """A ready document that is to be read again, and keeps its text until then.

    It waits for a worker, or `worker_id` reads it, or it could not be read, for the reason in `error_*`. `many`: asked
    for together with others, so that it lets go first whoever asks for one document.
    """

    __tablename__: ClassVar[str] = "read_again"
    __table_args__ = (
        Index(
            *("ix_read_again_due", "many", "asked_at", "document_id"),
            postgresql_where=text("worker_id IS NULL AND error_code IS NULL"),
        ),
    )
    # No foreign key: it would lock and check each of a million documents that are asked for at once.
    document_id: str = Field(primary_key=True)
    many: bool = columns.flag(False)
    asked_at: datetime = columns.time(default_now=True)
    worker_id: int | None = columns.big(nullable=True)
    error_code: str | None = None
    error_message: str | None = None
    # The id of the click or API call that asked for it.
    correlation_id: str | None = None


class DocumentText(SQLModel, table=True):
    """The text that spans count in. `page_starts` are offsets in code points, like every span."""

    __tablename__: ClassVar[str] = "document_text"
    __table_args__ = (Index("ix_document_text_marks", "marks_version", "document_id"),)
    document_id: str = Field(
        sa_column=Column(Text, ForeignKey("document.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    text: str = columns.text()
    sha256: str
    page_starts: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    # Passages that give instructions to a model (core.injection): [start, end, reasons] of each, in order. NULL: it was
    # never looked for any. `marks_version`: of the detector.
    marks: list[Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    marks_version: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    # What was recognized in pictures, by OCR.
    recognized: Any = Field(default=None, sa_column=Column(INT4MULTIRANGE, nullable=False, server_default="{}"))
