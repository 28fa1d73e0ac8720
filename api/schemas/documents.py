"""Documents."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.schemas.shared import ErrorOut

DocumentState = Literal["queued", "extracting", "ready", "failed"]


class DocumentOut(BaseModel):
    id: str
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


class UploadedOut(DocumentOut):
    duplicate: bool
