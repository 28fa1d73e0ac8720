"""What to ask: templates and their immutable versions."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns


class Template(SQLModel, table=True):
    __tablename__: ClassVar[str] = "template"
    __table_args__ = (CheckConstraint("built_in = (workspace_id IS NULL)", name="template_workspace_check"),)
    id: str = Field(primary_key=True)
    # Built-in ones belong to none: everybody has them.
    workspace_id: str | None = Field(default=None, foreign_key="workspace.id")
    name: str
    built_in: bool = columns.flag(False)
    version: int = Field(default=1)
    # Who made it: a person's id, or a door.
    made_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    created_at: datetime = columns.time(default_now=True)
    # Deleted: nothing is asked by it any more. It stays for what was, whose name and questions it holds.
    retired_at: datetime | None = columns.time(nullable=True)


class TemplateVersion(SQLModel, table=True):
    """What to ask, immutable: a change makes the next version."""

    __tablename__: ClassVar[str] = "template_version"
    template_id: str = Field(primary_key=True, foreign_key="template.id")
    version: int = Field(primary_key=True)
    prompt: str
    fields: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    insights: bool = columns.flag(False)
    created_at: datetime = columns.time(default_now=True)
