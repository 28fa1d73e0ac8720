"""API keys: of the environment, and those that people make.

A person's key never allows more than its person may now, and ends with its person. The secret is shown once, and its
SHA-256 kept: 256 random bits need no slow hash.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session

from core.access import actor, audit, people
from core.access.actor import Caller, Role
from core.access.roles import lesser, may, rank, require
from core.environment import get_settings
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, TooMany
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.text import storable

KeyState = Literal["active", "expired", "revoked"]
MOST_ACTIVE = 50
DAYS = 90
PREFIX = "cairn_"
# What rows keep as who made them where a key of the environment asked.
ENVIRONMENT = "key of the environment"


@dataclass(frozen=True)
class KeyView:
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


KEYS = """
SELECT k.id, k.name, k.prefix, k.person_id, k.role, k.workspace, k.created_at, k.expires_at, k.last_used_at,
  k.last_used_from, k.revoked_at, p.role AS person_role, p.email, p.state AS person_state
FROM api_key k JOIN person p ON p.id = k.person_id
"""


def _view(row: Any, at: datetime) -> KeyView:
    ended = row.expires_at is not None and row.expires_at <= at
    gone = row.revoked_at is not None or row.person_state == "deactivated"
    return KeyView(
        row.id,
        row.name,
        row.prefix,
        row.person_id,
        lesser(row.role, "admin" if people.is_admin_by_environment(row.email) else row.person_role),
        row.workspace,
        "revoked" if gone else "expired" if ended else "active",
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.last_used_from,
        row.revoked_at,
    )


def listed(at: datetime, *, user: str | None = None, state: KeyState | None = None) -> list[KeyView]:
    """The newest first: one's own; an admin's call has those of everybody, or of `user`."""
    own = None if may("key.change_others") else actor.caller().user or ""
    whose = (
        "(CAST(:own AS text) IS NULL OR k.person_id = :own) AND (CAST(:user AS text) IS NULL OR k.person_id = :user)"
    )
    with db.reading() as session:
        rows = db.rows(session, f"{KEYS} WHERE {whose} ORDER BY k.id DESC", own=own, user=user)
    found = [_view(row, at) for row in rows]
    return [one for one in found if state is None or one.state == state]


def get(id_: str, at: datetime) -> KeyView:
    """Raises NotFound, also for others' keys."""
    with db.reading() as session:
        return _own(session, id_, at)


def _own(session: Session, id_: str, at: datetime) -> KeyView:
    row = db.row(session, f"{KEYS} WHERE k.id = :id", id=id_)
    if row is None or (row.person_id != actor.caller().user and not may("key.change_others")):
        raise NotFound("There is no such key.")
    return _view(row, at)


@dataclass(frozen=True)
class KeySpec:
    """`role` None: the person's own. Neither expiry: DAYS; `never` takes an admin. `user` None: oneself."""

    name: str
    role: Role | None = None
    workspace: str | None = None
    expires_at: datetime | None = None
    never: bool = False
    user: str | None = None


def make(spec: KeySpec, at: datetime) -> tuple[KeyView, str]:
    """The key and its secret, this once.

    Raises InvalidInput; Forbidden (a role, person or expiry beyond the caller's); NotFound (a workspace that the person
    is not a member of); Conflict (TOO_MANY).
    """
    require("key.make")
    who = actor.caller()
    name = " ".join(storable(spec.name).split())
    if not 1 <= len(name) <= 100:
        raise InvalidInput("A key has a name of 1 to 100 characters.")
    user = spec.user or who.user
    if user is None:
        raise InvalidInput("Say whose key it is: nobody is signed in. Give `user`, the id of a person.")
    if user != who.user and (not may("key.change_others") or who.kind == "key"):
        raise Forbidden("Only an admin who is signed in, or a key of the environment, makes keys for others.")
    with db.transaction() as session:
        db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('keys:' || :user))", user=user)
        person = people.find(session, user)
        if person.state == "deactivated":
            raise Conflict(f"{person.called} is deactivated, so a key would be of no use.")
        _check(session, spec, person, at)
        role = spec.role or _most(person)
        secret = PREFIX + secrets.token_urlsafe(32)
        id_ = new_id("key")
        given = {
            "person": person.id,
            "name": name,
            "prefix": secret[: len(PREFIX) + 4],
            "sha256": _hashed(secret),
            "role": role,
            "of": spec.workspace,
            "expires": _expiry(session, spec, at),
        }
        db.execute(session, MAKE, id=id_, by=actor.current(), **given)
        told = {"user": person.id, "role": role, "workspace": spec.workspace}
        audit.write(session, "api_key.create", "api_key", id_, name=name, after=told, of_machine=True)
        return _own_or_made(session, id_, at), secret


MAKE = """
INSERT INTO api_key (id, person_id, name, prefix, sha256, role, workspace, expires_at, created_by)
VALUES (:id, :person, :name, :prefix, :sha256, :role, :of, :expires, :by)
"""


def _own_or_made(session: Session, id_: str, at: datetime) -> KeyView:
    row = db.row(session, f"{KEYS} WHERE k.id = :id", id=id_)
    return _view(row, at)


def _most(person: people.PersonView) -> Role:
    """What a key of this person may do at most: no more than the key that makes it."""
    who = actor.caller()
    return person.role if who.user != person.id or who.role is None else lesser(person.role, who.role)


def _check(session: Session, spec: KeySpec, person: people.PersonView, at: datetime) -> None:
    most = _most(person)
    if spec.role is not None and rank(spec.role) > rank(most):
        raise Forbidden(f"A key may do no more than its person, and no more than who makes it: {most} at most.")
    if spec.workspace is not None and spec.workspace not in {one.id for one in person.workspaces}:
        raise NotFound("There is no such workspace.")
    if spec.never and not may("people.change"):
        raise Forbidden("Only an admin makes keys that never expire.")
    if spec.expires_at is not None and spec.expires_at <= at:
        raise InvalidInput("This key would have expired already. Give a later time.")
    active = (
        "SELECT count(*) FROM api_key WHERE person_id = :id AND revoked_at IS NULL AND coalesce(expires_at > :at, true)"
    )
    if db.scalar(session, active, id=person.id, at=at) >= MOST_ACTIVE:
        raise Conflict(f"{person.called} has {MOST_ACTIVE} active keys. Revoke one first.", code="TOO_MANY")


def _expiry(session: Session, spec: KeySpec, at: datetime) -> datetime | None:
    """Raises Forbidden: a key makes none that outlives it."""
    expires = None if spec.never else spec.expires_at or at + timedelta(days=DAYS)
    who = actor.caller()
    if who.kind == "key":
        own = db.row(session, "SELECT expires_at, workspace FROM api_key WHERE id = :id", id=who.key)
        if own is not None and own.expires_at is not None and (expires is None or expires > own.expires_at):
            if spec.never or spec.expires_at is not None:
                raise Forbidden("A key makes none that expires later than itself.")
            expires = own.expires_at
        if own is not None and own.workspace is not None and own.workspace != spec.workspace:
            raise Forbidden("A key of one workspace makes keys of that workspace alone.")
    return expires


def rename(id_: str, name: str, at: datetime) -> KeyView:
    """Raises NotFound, InvalidInput."""
    name = " ".join(storable(name).split())
    if not 1 <= len(name) <= 100:
        raise InvalidInput("A key has a name of 1 to 100 characters.")
    with db.transaction() as session:
        was = _own(session, id_, at)
        if was.name != name:
            db.execute(session, "UPDATE api_key SET name = :name WHERE id = :id", id=id_, name=name)
            sides: dict[str, Any] = {"before": {"name": was.name}, "after": {"name": name}}
            audit.write(session, "api_key.change", "api_key", id_, name=name, **sides, of_machine=True)
        return _own(session, id_, at)


def revoke(id_: str, at: datetime) -> KeyView:
    """It ends at once; again changes nothing. Raises NotFound."""
    with db.transaction() as session:
        was = _own(session, id_, at)
        sql = "UPDATE api_key SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL"
        if db.execute(session, sql, id=id_, at=at):
            audit.write(session, "api_key.revoke", "api_key", id_, name=was.name, of_machine=True)
        return _own(session, id_, at)


def are_there() -> bool:
    """Whether there is any key that is not revoked: then nobody calls the API without one."""
    return bool(get_settings().api_keys) or db.read(any_made)


def any_made() -> bool:
    with db.reading() as session:
        return bool(db.scalar(session, "SELECT EXISTS (SELECT FROM api_key WHERE revoked_at IS NULL)"))


def is_of_environment(secret: str) -> bool:
    """All are compared, so that the time tells nothing."""
    hashed = _hashed(secret)
    return bool(sum(hmac.compare_digest(hashed, _hashed(one.get_secret_value())) for one in get_settings().api_keys))


def asker(secret: str, at: datetime, *, ip: str | None, request_id: str | None) -> tuple[Caller, KeyView | None] | None:
    """Whose key this is, with what it may now; None if it lets nobody in. The time of use is kept to the minute."""
    if is_of_environment(secret):
        given: Mapping[str, Any] = {"label": ENVIRONMENT, "ip": ip, "request_id": request_id}
        return Caller("environment", "environment", "admin", **given), None
    with db.transaction() as session:
        row = db.row(session, f"{KEYS} WHERE k.sha256 = :sha256", sha256=_hashed(secret))
        if row is None:
            return None
        key = _view(row, at)
        if key.state != "active":
            return None
        if key.last_used_at is None or key.last_used_at < at.replace(second=0, microsecond=0):
            db.execute(session, USED, id=key.id, at=at, ip=ip)
        members = tuple(one.id for one in people.find(session, key.user).workspaces)
    if key.workspace is not None:
        members = tuple(one for one in members if one == key.workspace)
    of = (key.role, key.user, key.id, members, key.workspace)
    return Caller("api", "key", *of, ip=ip, request_id=request_id), key


USED = "UPDATE api_key SET last_used_at = :at, last_used_from = :ip WHERE id = :id"


@dataclass(frozen=True)
class Rate:
    """Calls per minute, how many are left in this one, and the seconds until the next begins."""

    limit: int
    remaining: int
    reset_s: int


def counted(secret: str, at: datetime) -> Rate | None:
    """Count a call of this key in its minute, over all processes. None: there is no limit. Raises TooMany."""
    limit = get_settings().api_rate_limit_per_minute
    if not limit:
        return None
    minute = at.replace(second=0, microsecond=0)
    with db.transaction() as session:
        calls: int = db.scalar(session, COUNT, key=_hashed(secret), minute=minute)
    rate = Rate(limit, max(limit - calls, 0), 60 - at.second)
    if calls > limit:
        raise TooMany(
            f"This key may call {limit:,} times a minute. Call again in {rate.reset_s} s.", retry_after=rate.reset_s
        )
    return rate


COUNT = """
INSERT INTO api_minute (key, minute, calls) VALUES (:key, :minute, 1)
ON CONFLICT (key) DO UPDATE SET minute = excluded.minute,
  calls = CASE WHEN api_minute.minute = excluded.minute THEN api_minute.calls + 1 ELSE 1 END
RETURNING calls
"""


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
