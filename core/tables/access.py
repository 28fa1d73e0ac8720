"""Who may come in, and the record of what they did."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns


class Person(SQLModel, table=True):
    """Issuer and subject name a person, never the e-mail alone; an invited one has neither until the first sign-in, and
    one that was forgotten has nothing but the id."""

    __tablename__: ClassVar[str] = "person"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        Index("ix_person_email", text("lower(email)")),
        CheckConstraint("role IN ('analyst', 'manager', 'admin')", name="person_role"),
    )
    id: str = Field(primary_key=True)
    issuer: str | None = None
    subject: str | None = None
    email: str | None = None
    name: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    role: str
    # invited, active or deactivated.
    state: str
    # oidc, header or api.
    source: str
    created_at: datetime = columns.time(default_now=True)
    last_seen_at: datetime | None = columns.time(nullable=True)


def called(column: str) -> str:
    """SQL: how whoever this column names is called now: a person by name or e-mail, a door as it stands there."""
    return f"""coalesce((SELECT coalesce(nullif(who.name, ''), who.email, 'somebody who was forgotten') FROM person who
      WHERE who.id = {column}), {column}, '')"""


class Member(SQLModel, table=True):
    """Who may enter a workspace. It stands before the wall, not behind it: a sign-in reads it for all workspaces."""

    __tablename__: ClassVar[str] = "member"
    workspace: str = Field(
        sa_column=Column(Text, ForeignKey("workspace.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    person_id: str = Field(foreign_key="person.id", primary_key=True, index=True)
    added_at: datetime = columns.time(default_now=True)
    added_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class SignIn(SQLModel, table=True):
    """One sign-in of a browser: it counts until `ends_at`, or until signing out or deactivating ends it. The id is the
    SHA-256 of what the browser shows, so that reading the table lets nobody in."""

    __tablename__: ClassVar[str] = "sign_in"
    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    started_at: datetime = columns.time()
    ends_at: datetime = columns.time()
    ended_at: datetime | None = columns.time(nullable=True)
    ip: str | None = None
    # The SHA-256 of what no other sign-in may bring: the provider's nonce.
    once: str | None = Field(default=None, unique=True)
    # What was last chosen in it.
    workspace: str | None = None


class ApiKey(SQLModel, table=True):
    """A key that a person made. The secret is shown once; here is its SHA-256."""

    __tablename__: ClassVar[str] = "api_key"
    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    name: str
    prefix: str
    sha256: str = Field(unique=True)
    role: str
    # The one workspace that it works in; None: those of its person.
    workspace: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("workspace.id", ondelete="CASCADE"), nullable=True)
    )
    created_at: datetime = columns.time(default_now=True)
    created_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    # None: never.
    expires_at: datetime | None = columns.time(nullable=True)
    revoked_at: datetime | None = columns.time(nullable=True)
    last_used_at: datetime | None = columns.time(nullable=True)
    last_used_from: str | None = None


class ApiMinute(SQLModel, table=True):
    """Calls of a key in the minute at hand, over all processes. A crash may empty it."""

    __tablename__: ClassVar[str] = "api_minute"
    __table_args__: ClassVar[Any] = {"prefixes": ["UNLOGGED"]}
    key: str = Field(primary_key=True)
    minute: datetime = columns.time()
    calls: int


class AuditEntry(SQLModel, table=True):
    """Who did what. Of a secret only that it was changed. A hash covers the entry before: core.access.chain."""

    __tablename__: ClassVar[str] = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject", "id"),
        Index("ix_audit_entry_time", "time"),
        Index("ix_audit_entry_workspace", "workspace", "id"),
    )
    # 1, 2, 3 without a gap, in the order of the chain.
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    time: datetime = columns.time()
    # None: of the machine.
    workspace: str | None = None
    user: str | None = None
    key: str | None = None
    door: str
    ip: str | None = None
    request_id: str | None = None
    action: str
    # {"kind", "id", "name"}.
    object: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # done or refused.
    outcome: str
    previous_hash: str
    hash: str
    # What it is looked up by: "kind:id", or the kind where there is no id.
    subject: str | None = Field(
        default=None,
        sa_column=Column(
            Text, Computed("(object ->> 'kind') || coalesce(':' || (object ->> 'id'), '')", persisted=True)
        ),
    )


class AuditHead(SQLModel, table=True):
    """The one row that writers of entries take turns by: how many there are, and the hash of the last."""

    __tablename__: ClassVar[str] = "audit_head"
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entries: int = columns.big()
    hash: str
