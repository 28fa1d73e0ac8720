"""Responses of providers, stored raw, and the quotes of their fields as they stand in documents."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, text
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


class FieldQuote(SQLModel, table=True):
    """The quote that an answer gave for the value of a field, looked up in the document: columns as in Evidence.

    No foreign key on the response: an answer that goes takes no lock for it, and is joined wherever this is read.
    """

    __tablename__: ClassVar[str] = "field_quote"
    document_id: str = Field(
        sa_column=Column(Text, ForeignKey("document.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    response_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    field: str = Field(primary_key=True)
    value: str
    quote: str
    verdict: str
    supported: bool
    quarantined: bool = columns.flag(False)
    start: int | None = None
    end: int | None = None
    spans: list[list[int]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    nearest_start: int | None = None
    nearest_end: int | None = None
