"""People: invited, given a role, deactivated, forgotten. Nobody is deleted, for usage and audit name them.

ADMIN_EMAILS makes admins: such a role is not stored, so that it ends with the variable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from core.access import actor, audit
from core.access.actor import Role
from core.access.roles import require
from core.environment import get_settings
from core.errors import Conflict, InvalidInput, NotFound
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.text import storable

State = Literal["invited", "active", "deactivated"]
Source = Literal["oidc", "header", "api"]
MOST_CHARACTERS = 200


@dataclass(frozen=True)
class Named:
    """A workspace as its members see it."""

    id: str
    name: str


@dataclass(frozen=True)
class PersonView:
    """`role` is what it may now: what is stored, or admin where ADMIN_EMAILS says so."""

    id: str
    email: str | None
    name: str
    role: Role
    state: State
    source: Source
    workspaces: tuple[Named, ...]
    last_seen: datetime | None
    created_at: datetime
    by_environment: bool = False

    @property
    def called(self) -> str:
        return self.name or self.email or "a person who was forgotten"


ONE = """
SELECT p.id, p.email, p.name, p.role, p.state, p.source, p.last_seen_at, p.created_at, coalesce((
    SELECT jsonb_agg(jsonb_build_array(w.id, w.name) ORDER BY w.name)
    FROM member m JOIN workspace w ON w.id = m.workspace
    WHERE m.person_id = p.id), '[]') AS workspaces
FROM person p
"""


def view(row: Any) -> PersonView:
    """`row` has the columns of ONE."""
    by_environment = is_admin_by_environment(row.email)
    return PersonView(
        row.id,
        row.email,
        row.name,
        "admin" if by_environment else row.role,
        row.state,
        row.source,
        tuple(Named(*one) for one in row.workspaces),
        row.last_seen_at,
        row.created_at,
        by_environment,
    )


def is_admin_by_environment(email: str | None) -> bool:
    return email is not None and email.lower() in get_settings().admin_emails


def find(session: Session, id_: str) -> PersonView:
    """Raises NotFound."""
    row = db.row(session, f"{ONE} WHERE p.id = :id", id=id_)
    if row is None:
        raise NotFound("There is no such person.")
    return view(row)


def get(id_: str) -> PersonView:
    """A person, for admins, or oneself. Raises NotFound, Forbidden."""
    if id_ != actor.caller().user:
        require("people.change")
    with db.reading() as session:
        return find(session, id_)


def everybody(*, state: str | None = None, role: str | None = None, q: str = "") -> list[PersonView]:
    """By name. `q`: a part of the name or the e-mail."""
    require("people.change")
    with db.reading() as session:
        found = [
            view(row) for row in db.rows(session, f"{ONE} ORDER BY lower(coalesce(nullif(p.name, ''), p.email)), p.id")
        ]
    part = q.strip().casefold()
    return [
        one
        for one in found
        if (state is None or one.state == state)
        and (role is None or one.role == role)
        and (part in one.name.casefold() or part in (one.email or "").casefold())
    ]


def names(session: Session, ids: Sequence[str]) -> Mapping[str, str]:
    """How those of `ids` that are people are called now; of others, such as the name of a door, nothing."""
    sql = "SELECT id, name, email FROM person WHERE id = ANY(:ids)"
    found = db.rows(session, sql, ids=[one for one in ids if one.startswith("user_")])
    return {row.id: row.name or row.email or "somebody who was forgotten" for row in found}


def invite(email: str, *, name: str = "", role: Role = "analyst", workspaces: Sequence[str] = ()) -> PersonView:
    """Somebody who may sign in: taken over at the first sign-in with that verified e-mail.

    Raises InvalidInput, NotFound (a workspace), Conflict (there is one with that e-mail).
    """
    require("people.change")
    email = _email(email)
    with db.transaction() as session:
        db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('person:' || lower(:email)))", email=email)
        if db.scalar(session, "SELECT 1 FROM person WHERE lower(email) = lower(:email)", email=email):
            raise Conflict(f"There is somebody with the e-mail {email} already.")
        made = insert(session, email=email, name=_name(name), role=role, state="invited", source="api")
        for one in dict.fromkeys(workspaces):
            if not add_member(session, one, made):
                raise NotFound("There is no such workspace.")
        audit.write(
            session, "user.create", "user", made, name=email, after={"role": role, "state": "invited"}, of_machine=True
        )
        return find(session, made)


def insert(
    session: Session,
    *,
    email: str | None,
    name: str,
    role: Role,
    state: State,
    source: Source,
    issuer: str | None = None,
    subject: str | None = None,
) -> str:
    """The new row's id."""
    made = new_id("user")
    given = {"email": email, "name": name, "role": role, "state": state, "source": source}
    db.execute(session, INSERT, id=made, issuer=issuer, subject=subject, **given)
    return made


INSERT = """
INSERT INTO person (id, issuer, subject, email, name, role, state, source)
VALUES (:id, :issuer, :subject, :email, :name, :role, :state, :source)
"""


def add_member(session: Session, workspace_id: str, person_id: str) -> bool:
    """Whether there is such a workspace; being a member already changes nothing."""
    if not db.scalar(session, "SELECT 1 FROM workspace WHERE id = :id", id=workspace_id):
        return False
    db.execute(session, ADD_MEMBER, of=workspace_id, person=person_id, by=actor.current())
    return True


ADD_MEMBER = "INSERT INTO member (workspace, person_id, added_by) VALUES (:of, :person, :by) ON CONFLICT DO NOTHING"


def change(id_: str, *, name: str | None = None, role: Role | None = None) -> PersonView:
    """Raises NotFound, InvalidInput, Conflict (LAST_ADMIN, SET_BY_ENVIRONMENT)."""
    require("people.change")
    with db.transaction() as session:
        was = _locked(session, id_)
        if role is not None and role != was.role:
            if was.by_environment:
                raise Conflict(
                    f"{was.called} is an admin by ADMIN_EMAILS: take the e-mail out of the environment first.",
                    code="SET_BY_ENVIRONMENT",
                )
            _keep_an_admin(session, was)
        new = {"name": was.name if name is None else _name(name), "role": role or was.role}
        if new != {"name": was.name, "role": was.role}:
            stored = db.scalar(session, "SELECT role FROM person WHERE id = :id", id=id_) if role is None else role
            db.execute(
                session,
                "UPDATE person SET name = :name, role = :role WHERE id = :id",
                id=id_,
                name=new["name"],
                role=stored,
            )
            before = {"name": was.name, "role": was.role}
            audit.write(session, "user.change", "user", id_, before=before, after=new, of_machine=True)
        return find(session, id_)


def deactivate(id_: str, at: datetime) -> PersonView:
    """Sign-ins and keys end with it. Raises NotFound, Conflict (LAST_ADMIN)."""
    require("people.change")
    with db.transaction() as session:
        was = _locked(session, id_)
        if was.state != "deactivated":
            _keep_an_admin(session, was)
            db.execute(session, "UPDATE person SET state = 'deactivated' WHERE id = :id", id=id_)
            end_sign_ins(session, id_, at)
            sides: dict[str, Any] = {"before": {"state": was.state}, "after": {"state": "deactivated"}}
            audit.write(session, "user.deactivate", "user", id_, **sides, of_machine=True)
        return find(session, id_)


def activate(id_: str) -> PersonView:
    """Raises NotFound, Conflict (forgotten: there is nobody who could sign in)."""
    require("people.change")
    with db.transaction() as session:
        was = _locked(session, id_)
        if was.state == "deactivated":
            if was.email is None:
                raise Conflict("This person was forgotten: invite them anew.")
            state = db.scalar(session, ACTIVATE, id=id_)
            sides: dict[str, Any] = {"before": {"state": was.state}, "after": {"state": state}}
            audit.write(session, "user.activate", "user", id_, **sides, of_machine=True)
        return find(session, id_)


# Whoever never signed in is invited again.
ACTIVATE = """
UPDATE person SET state = CASE WHEN subject IS NULL THEN 'invited' ELSE 'active' END WHERE id = :id RETURNING state
"""


def forget(id_: str, at: datetime) -> PersonView:
    """Nothing that names the person is left in its row, and nobody gets in by it. Raises NotFound, Conflict."""
    require("people.change")
    with db.transaction() as session:
        was = _locked(session, id_)
        _keep_an_admin(session, was)
        db.execute(session, FORGET, id=id_)
        end_sign_ins(session, id_, at)
        db.execute(
            session, "UPDATE api_key SET revoked_at = coalesce(revoked_at, :at) WHERE person_id = :id", id=id_, at=at
        )
        audit.write(session, "user.forget", "user", id_, of_machine=True)
        return find(session, id_)


FORGET = """
UPDATE person SET name = '', email = NULL, issuer = NULL, subject = NULL, state = 'deactivated' WHERE id = :id
"""


def end_sign_ins(session: Session, person_id: str, at: datetime) -> None:
    sql = "UPDATE sign_in SET ended_at = :at WHERE person_id = :id AND ended_at IS NULL"
    db.execute(session, sql, id=person_id, at=at)


def has_admin(session: Session) -> bool:
    """Whether anybody who is not deactivated is an admin."""
    return bool(_admins(session))


def _admins(session: Session) -> list[str]:
    sql = "SELECT id FROM person WHERE state <> 'deactivated' AND (role = 'admin' OR lower(email) = ANY(:emails))"
    return [row.id for row in db.rows(session, sql, emails=list(get_settings().admin_emails))]


def _locked(session: Session, id_: str) -> PersonView:
    """All changes of people wait for one another, so that two of them cannot take each other's last admin."""
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('people'))")
    return find(session, id_)


def _keep_an_admin(session: Session, one: PersonView) -> None:
    if one.role == "admin" and one.state != "deactivated" and _admins(session) == [one.id]:
        raise Conflict(f"{one.called} is the last admin. Make somebody else an admin first.", code="LAST_ADMIN")


def _email(email: str) -> str:
    email = storable(email).strip()
    name, at, domain = email.rpartition("@")
    if (
        not (name and at and domain)
        or len(email) > MOST_CHARACTERS
        or any(c.isspace() or not c.isprintable() for c in email)
    ):
        raise InvalidInput("This is no e-mail address. Write one such as anna@example.com.")
    return email


def _name(name: str) -> str:
    name = " ".join(storable(name).split())
    if len(name) > MOST_CHARACTERS:
        raise InvalidInput(f"A name has {MOST_CHARACTERS} characters at most.")
    return name
