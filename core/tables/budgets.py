"""Budgets: what may be spent in a month."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from sqlalchemy import Column, Numeric, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.tables import columns
from core.tables.columns import Money

Scope = Literal["all", "workspace", "user", "template", "collection", "provider"]
OnLimit = Literal["warn", "wait"]


class Budget(SQLModel, table=True):
    """A limit per month of the reporting zone, of what `scope` and `key` name. One of a user, template, collection or
    provider counts within its workspace; `all` counts everything on this machine."""

    __tablename__: ClassVar[str] = "budget"
    __table_args__ = (UniqueConstraint("workspace_id", "scope", "key"),)
    id: str = Field(sa_column=Column(Text, primary_key=True))
    workspace_id: str = columns.workspace()
    scope: str
    key: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    limit_usd: Decimal = Field(sa_column=Column(Money, nullable=False))
    # The share of the limit from which on the budget is shown as nearly taken.
    warn_share: Decimal = Field(sa_column=Column(Numeric(5, 4), nullable=False))
    on_limit: str
    created_at: datetime = columns.time(default_now=True)
