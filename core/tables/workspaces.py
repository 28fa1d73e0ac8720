"""The wall: documents, collections, jobs, own templates, insights and usage records belong to exactly one workspace."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.tables import columns


class Workspace(SQLModel, table=True):
    __tablename__: ClassVar[str] = "workspace"
    __table_args__ = (Index("ix_workspace_name", text("lower(name)"), unique=True),)
    id: str = Field(primary_key=True)
    name: str
    description: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    created_at: datetime = columns.time(default_now=True)
