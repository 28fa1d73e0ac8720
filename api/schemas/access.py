"""Who asks, people, their keys, workspaces, members, and the audit."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.shared import In, Moment, Money
from core.access.actor import Door, Role
from core.access.audit import Outcome
from core.access.keys import KeyState
from core.access.people import Source, State
from core.environment import SignIn


class NamedOut(BaseModel):
    id: str
    name: str


class AskerOut(NamedOut):
    email: str | None
    role: Role


class AskersKeyOut(NamedOut):
    expires_at: datetime | None


class StatusOut(BaseModel):
    """`workspace`: the one that calls act in; null where X-Workspace has to name one."""

    authenticated: bool
    kind: Literal["key", "session", "environment", "open"]
    sign_in: SignIn
    user: AskerOut | None
    role: Role
    key: AskersKeyOut | None
    workspace: str | None
    workspaces: list[NamedOut]
    rate_limit_per_minute: int = Field(description="of each key; 0: as many as come")


class KeyIn(In):
    """Neither expiry: 90 days. `expires_at` null: never, for admins alone. `user`: somebody else."""

    name: str
    role: Role | None = None
    workspace: str | None = None
    expires_at: Moment | None = None
    expires_in_days: int | None = Field(None, ge=1, le=365)
    user: str | None = None


class KeyChangeIn(In):
    name: str


class KeyOut(BaseModel):
    """`role`: what it may now, the lesser of its own and its person's. `prefix` begins the secret."""

    id: str
    name: str
    prefix: str
    user: str
    role: Role
    workspace: str | None
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    revoked_at: datetime | None


class MadeKeyOut(KeyOut):
    secret: str = Field(description="shown this once")


class UserIn(In):
    email: str
    name: str = ""
    role: Role = "analyst"
    workspaces: list[str] = Field(default_factory=list, max_length=1000)


class UserChangeIn(In):
    name: str | None = None
    role: Role | None = None


class UserOut(BaseModel):
    """`email` null: forgotten. `source`: where the person came from."""

    id: str
    email: str | None
    name: str
    role: Role
    state: State
    source: Source
    workspaces: list[NamedOut]
    last_seen: datetime | None
    created_at: datetime


class WorkspaceIn(In):
    name: str
    description: str = ""


class WorkspaceChangeIn(In):
    name: str | None = None
    description: str | None = None


class WorkspaceOut(BaseModel):
    id: str
    name: str
    description: str
    members: int
    documents: int
    jobs: int
    insights: int
    cost_usd: Money | None = Field(description="null where nothing of it could be priced")
    created_at: datetime


class MemberIn(In):
    """Nothing is to be said of a member."""


class MemberOut(BaseModel):
    """`added_by`: a person's id, or the door."""

    user: AskerOut
    added_at: datetime
    added_by: str


class ObjectOut(BaseModel):
    kind: str
    id: str | None
    name: str | None


class EntryOut(BaseModel):
    """`workspace` null: of the machine. `hash` covers the entry and the hash before."""

    id: str
    time: datetime
    workspace: str | None
    user: str | None
    key: str | None
    door: Door
    ip: str | None
    request_id: str | None
    action: str
    object: ObjectOut | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    outcome: Outcome
    previous_hash: str
    hash: str


class VerifiedOut(BaseModel):
    """`first_broken`: the first entry that does not fit, or that is missing."""

    valid: bool
    entries: int
    first_broken: str | None
    head: str
