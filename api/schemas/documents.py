"""Documents."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.shared import ErrorOut, In, Storable
from core.documents.report import Again
from core.injection.detect import Reason

DocumentState = Literal["queued", "extracting", "ready", "failed"]


class WarningOut(BaseModel):
    """What the file holds and the text does not: `count` of them, on these pages where the format has pages, or of
    these names."""

    code: str
    message: str
    count: int
    pages: list[int] | None
    names: list[str] | None = Field(description="of files in an archive; not all of them, where they are many")


class ReadAgainOut(BaseModel):
    """It is to be read again, and keeps its text until then; `error` says why it could not be."""

    state: Again
    error: ErrorOut | None


class AskedOut(BaseModel):
    documents: int


class DocumentIn(In):
    collection: Storable = Field(description="its new collection, made when new")


class DocumentOut(BaseModel):
    id: str
    workspace: str
    name: str
    collection: str
    sha256: str
    media_type: str
    size_bytes: int
    state: DocumentState
    error: ErrorOut | None
    pages: int | None
    characters: int | None
    tokens: int | None
    language: str | None
    created_at: datetime
    correlation_id: str | None
    warnings: list[WarningOut] | None = Field(description="empty: all of it is in the text; null: not known")
    read_by_ocr: list[int] | None = Field(
        description="pages with words that were recognized in pictures; without pages, 1; null: not known"
    )
    part_of: str | None = Field(description="the archive it came in, with which it is deleted in the same collection")
    read_again: ReadAgainOut | None


class PassageOut(BaseModel):
    """A passage that gives instructions to a model: offsets in the document's text, and why it seems to. override: it
    says to ignore what the model was told; address: it speaks to a model; role: it gives one a role; exfiltrate: it
    asks for the prompt, or to send something; marker: it forges a turn or a fence; hidden: in characters or text that
    nobody sees; encoded: in base64 or the like."""

    start: int
    end: int
    reasons: list[Reason]
    text: str


class PassagesOut(BaseModel):
    """`items` null: the text was not looked at yet."""

    items: list[PassageOut] | None


class UploadedOut(DocumentOut):
    duplicate: bool


class SkippedOut(BaseModel):
    """A file that was not stored, and why."""

    name: str
    message: str


class UploadOut(BaseModel):
    items: list[UploadedOut]
    skipped: list[SkippedOut]
