"""What changes while Cairn runs, and who changed it."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    Index,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns


class Setting(SQLModel, table=True):
    """A setting changed while Cairn runs, by name. Without a row the environment or the default applies."""

    __tablename__: ClassVar[str] = "setting"
    name: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    changed_at: datetime = columns.time(default_now=True)
    changed_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class AuditEntry(SQLModel, table=True):
    """Who changed what. Of a secret only that it was changed."""

    __tablename__: ClassVar[str] = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject", "id"),)
    id: int = columns.identity()
    time: datetime = columns.time(default_now=True)
    user: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    action: str
    subject: str
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
