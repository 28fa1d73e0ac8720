"""Workspaces and their members. What lies in one is invisible from any other: see core.runtime.workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from core.access import actor, audit, people
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound, WorkspaceNeeded
from core.runtime import db, workspace
from core.runtime.ids import new_id
from core.runtime.text import storable

GONE = "There is no such workspace."


@dataclass(frozen=True)
class WorkspaceView:
    id: str
    name: str
    description: str
    members: int
    documents: int
    jobs: int
    insights: int
    created_at: datetime


@dataclass(frozen=True)
class MemberView:
    person: people.PersonView
    added_at: datetime
    added_by: str

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def created_at(self) -> datetime:
        return self.added_at


WORKSPACES = """
SELECT w.id, w.name, w.description, w.created_at,
  (SELECT count(*)::int FROM member m WHERE m.workspace = w.id) AS members,
  (SELECT count(*)::int FROM document d WHERE d.workspace_id = w.id) AS documents,
  (SELECT count(*)::int FROM job j WHERE j.workspace_id = w.id) AS jobs,
  (SELECT count(*)::int FROM insight i WHERE i.workspace_id = w.id) AS insights
FROM workspace w
"""


def listed() -> list[WorkspaceView]:
    """By name: those that the caller is a member of; an admin's call has all."""
    mine = None if _sees_all() else list(actor.caller().workspaces or ())
    sql = f"{WORKSPACES} WHERE CAST(:mine AS text[]) IS NULL OR w.id = ANY(:mine) ORDER BY lower(w.name), w.id"
    with db.reading(everywhere=True) as session:
        return [WorkspaceView(**row._mapping) for row in db.rows(session, sql, mine=mine)]


def visible() -> list[str]:
    """The ids of those that `listed` has."""
    mine = None if _sees_all() else list(actor.caller().workspaces or ())
    sql = "SELECT id FROM workspace WHERE CAST(:mine AS text[]) IS NULL OR id = ANY(:mine) ORDER BY id"
    with db.reading() as session:
        return [row.id for row in db.rows(session, sql, mine=mine)]


def _sees_all() -> bool:
    """A key that is bound to one workspace sees that one, whoever made it."""
    who = actor.caller()
    return who.role == "admin" and who.only is None


def get(id_: str) -> WorkspaceView:
    """Raises NotFound, also for those that the caller is no member of."""
    with db.reading(everywhere=True) as session:
        return _found(session, id_)


def _found(session: Session, id_: str) -> WorkspaceView:
    row = db.row(session, f"{WORKSPACES} WHERE w.id = :id", id=id_)
    if row is None or not (_sees_all() or id_ in (actor.caller().workspaces or ())):
        raise NotFound(GONE)
    return WorkspaceView(**row._mapping)


def mine() -> list[people.Named]:
    """Those that the caller may enter, by name."""
    which = actor.caller().workspaces
    sql = """SELECT id, name FROM workspace WHERE CAST(:which AS text[]) IS NULL OR id = ANY(:which)
             ORDER BY lower(name), id"""
    # None of the rows is walled.
    with db.reading() as session:
        return [
            people.Named(row.id, row.name)
            for row in db.rows(session, sql, which=None if which is None else list(which))
        ]


def chosen(wanted: str | None) -> str:
    """The workspace that a call acts in: the one it names by id or name, else the only one, else `default`.

    Raises NotFound for one that the caller is no member of; WorkspaceNeeded, with those there are.
    """
    members = actor.caller().workspaces
    if wanted is None and members is None:
        return workspace.DEFAULT
    if wanted is None and members is not None and len(members) == 1:
        return members[0]
    there = mine()
    if wanted is not None:
        name = wanted.strip().casefold()
        found = [one.id for one in there if one.id == wanted] or [
            one.id for one in there if one.name.casefold() == name
        ]
        if not found:
            raise NotFound(GONE)
        return found[0]
    if workspace.DEFAULT in {one.id for one in there}:
        return workspace.DEFAULT
    if not there:
        raise NotFound("You are a member of no workspace. Ask an admin of Cairn.")
    raise needed(there)


def needed(there: Sequence[people.Named]) -> WorkspaceNeeded:
    error = WorkspaceNeeded()
    error.detail = [{"id": one.id, "name": one.name} for one in there]
    return error


def make(name: str, description: str = "") -> WorkspaceView:
    """Raises InvalidInput, Conflict (the name is taken)."""
    require("workspace.change")
    name, description = _name(name), _description(description)
    with db.transaction(everywhere=True) as session:
        id_ = new_id("ws")
        _keep_unique(session, name, id_)
        sql = "INSERT INTO workspace (id, name, description) VALUES (:id, :name, :description)"
        db.execute(session, sql, id=id_, name=name, description=description)
        audit.write(session, "workspace.create", "workspace", id_, name=name, of_machine=True)
        return _found(session, id_)


def change(id_: str, *, name: str | None = None, description: str | None = None) -> WorkspaceView:
    """Raises NotFound, InvalidInput, Conflict."""
    require("workspace.change")
    with db.transaction(everywhere=True) as session:
        was = _found(session, id_)
        new = {
            "name": was.name if name is None else _name(name),
            "description": was.description if description is None else _description(description),
        }
        before = {"name": was.name, "description": was.description}
        if new != before:
            _keep_unique(session, new["name"], id_)
            db.execute(
                session, "UPDATE workspace SET name = :name, description = :description WHERE id = :id", id=id_, **new
            )
            audit.write(
                session,
                "workspace.change",
                "workspace",
                id_,
                name=new["name"],
                before=before,
                after=new,
                of_machine=True,
            )
        return _found(session, id_)


# What keeps a workspace from being deleted, by the name that a person is told.
HOLDS: Mapping[str, str] = {
    "documents": "document",
    "jobs": "job",
    "insights": "insight",
    "templates": "template",
    "usage records": "usage_record",
    "budgets": "budget",
}


def delete(id_: str) -> None:
    """Only an empty one. Raises NotFound, Conflict (NOT_EMPTY with counts; `default` never)."""
    require("workspace.change")
    with db.transaction(everywhere=True) as session:
        was = _found(session, id_)
        if id_ == workspace.DEFAULT:
            raise Conflict("The workspace `default` stays: it is where everything is that names none.")
        db.execute(session, "SELECT 1 FROM workspace WHERE id = :id FOR UPDATE", id=id_)
        held = {what: _count(session, table, id_) for what, table in HOLDS.items()}
        if held := {what: number for what, number in held.items() if number}:
            raise _not_empty(was.name, held)
        db.execute(session, "DELETE FROM collection WHERE workspace_id = :id", id=id_)
        db.execute(session, "DELETE FROM workspace WHERE id = :id", id=id_)
        audit.write(session, "workspace.delete", "workspace", id_, name=was.name, of_machine=True)


def _count(session: Session, table: str, id_: str) -> int:
    number: int = db.scalar(session, f"SELECT count(*)::int FROM {table} WHERE workspace_id = :id", id=id_)
    return number


def _not_empty(name: str, held: Mapping[str, int]) -> Conflict:
    there = ", ".join(f"{number:,} {what}" for what, number in held.items())
    error = Conflict(f"{name} is not empty: it holds {there}. Delete them first.", code="NOT_EMPTY")
    error.detail = {what.replace(" ", "_"): number for what, number in held.items()}
    return error


def members(id_: str) -> list[MemberView]:
    """By name. Raises NotFound."""
    with db.reading(everywhere=True) as session:
        _found(session, id_)
        sql = people.ONE.replace("SELECT", "SELECT m.added_at, m.added_by,", 1)
        rows = db.rows(
            session, f"{sql} JOIN member m ON m.person_id = p.id WHERE m.workspace = :id ORDER BY p.name, p.id", id=id_
        )
        return [MemberView(people.view(row), row.added_at, row.added_by) for row in rows]


def add_member(id_: str, person_id: str) -> MemberView:
    """Raises NotFound (either)."""
    require("workspace.change")
    with db.transaction(everywhere=True) as session:
        was = _found(session, id_)
        person = people.find(session, person_id)
        if id_ not in {one.id for one in person.workspaces}:
            people.add_member(session, id_, person_id)
            audit.write(session, "member.add", "user", person_id, after={"workspace": was.name}, workspace_id=id_)
    return next(one for one in members(id_) if one.person.id == person_id)


def remove_member(id_: str, person_id: str) -> None:
    """It holds at their next click or call. Raises NotFound (either)."""
    require("workspace.change")
    with db.transaction(everywhere=True) as session:
        was = _found(session, id_)
        sql = "DELETE FROM member WHERE workspace = :of AND person_id = :person"
        if not db.execute(session, sql, of=id_, person=person_id):
            raise NotFound("There is no such member.")
        audit.write(session, "member.remove", "user", person_id, before={"workspace": was.name}, workspace_id=id_)


def _keep_unique(session: Session, name: str, id_: str) -> None:
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('workspaces'))")
    if db.scalar(session, "SELECT 1 FROM workspace WHERE lower(name) = lower(:name) AND id <> :id", name=name, id=id_):
        raise Conflict(f"There is a workspace called {name} already.")


def _name(name: str) -> str:
    name = " ".join(storable(name).split())
    if not 1 <= len(name) <= 100:
        raise InvalidInput("A workspace has a name of 1 to 100 characters.")
    return name


def _description(text: str) -> str:
    text = storable(text).strip()
    if len(text) > 1000:
        raise InvalidInput("A description has up to 1,000 characters.")
    return text
