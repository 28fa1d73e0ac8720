"""Statements and the evidence for them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    Computed,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from core.tables import columns


class Insight(SQLModel, table=True):
    __tablename__: ClassVar[str] = "insight"
    __table_args__ = (
        UniqueConstraint("workspace_id", "statement_key"),
        Index("ix_insight_search", "search", postgresql_using="gin"),
        Index("ix_insight_last_seen", "last_seen", "id"),
    )
    id: str = Field(primary_key=True)
    workspace_id: str
    statement: str
    statement_key: str
    kind: str
    state: str = Field(default="new", sa_column_kwargs={"server_default": text("'new'")})
    support: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    confidence: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    first_seen: datetime = columns.time(default_now=True)
    last_seen: datetime = columns.time(default_now=True)
    search: str = Field(
        default=None,
        sa_column=Column(TSVECTOR, Computed("to_tsvector('english'::regconfig, statement)", persisted=True)),
    )


class Evidence(SQLModel, table=True):
    """A quote that ties an insight to a document. `supported` only when it stands there, at start..end.

    `verdict`: see core.evidence.quotes; None until it has been checked. `spans`: where it stands in several parts.
    `nearest_*`: the place of a quote whose words differ from it.
    """

    __tablename__: ClassVar[str] = "evidence"
    __table_args__ = (
        UniqueConstraint("insight_id", "document_id", "response_id", "quote_key"),
        Index("ix_evidence_document", "document_id"),
        Index("ix_evidence_response", "response_id"),
        Index("ix_evidence_unchecked", "document_id", postgresql_where=text("verdict IS NULL")),
    )
    id: int = columns.identity()
    insight_id: str = Field(
        sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    document_id: str
    response_id: int = columns.big()
    template_id: str
    quote: str
    quote_key: str
    verdict: str | None = None
    supported: bool
    start: int | None = None
    end: int | None = None
    spans: list[list[int]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    nearest_start: int | None = None
    nearest_end: int | None = None
    attributes: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    created_at: datetime = columns.time(default_now=True)
