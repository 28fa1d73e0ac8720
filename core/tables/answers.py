"""Responses of providers, stored raw."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    Index,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns


class Response(SQLModel, table=True):
    """A response: raw as it came, then `result` as derived from it; `verdict` is ok or why it is unusable."""

    __tablename__: ClassVar[str] = "response"
    __table_args__ = (
        Index(
            "ix_response_reusable",
            "fingerprint",
            postgresql_where=text("verdict = 'ok' AND invalidated_at IS NULL"),
        ),
        Index("ix_response_request", "request_id"),
    )
    id: int = columns.identity()
    request_id: int | None = columns.big(nullable=True)
    fingerprint: str
    model: str
    raw: str = Field(sa_column=Column(JSON, nullable=False))
    # A batch's answers get it when they are derived.
    text: str | None = columns.text(nullable=True)
    finish_reason: str
    input_tokens: int = columns.big()
    cached_input_tokens: int = columns.big()
    output_tokens: int = columns.big()
    verdict: str | None = None
    verdict_message: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    created_at: datetime = columns.time(default_now=True)
    # From then on it is not reused; it stays, as evidence may refer to it.
    invalidated_at: datetime | None = columns.time(nullable=True)
