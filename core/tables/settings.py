"""What changes while Cairn runs."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
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
