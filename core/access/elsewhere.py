"""In which other of the caller's workspaces a thing lies: a link may lead to one that is not open."""

from collections.abc import Mapping

from core.access import workspaces
from core.access.people import Named
from core.runtime import db, workspace

# By what its id begins with.
TABLES: Mapping[str, str] = {
    "doc": "SELECT 1 FROM document WHERE workspace_id = :workspace AND id = :id",
    "job": "SELECT 1 FROM job WHERE workspace_id = :workspace AND id = :id",
    "ins": "SELECT 1 FROM insight WHERE workspace_id = :workspace AND id = :id",
}


def holder(id_: str) -> Named | None:
    sql = TABLES.get(id_.partition("_")[0])
    if sql is None:
        return None
    here = workspace.current()
    for one in workspaces.mine():
        if one.id == here:
            continue
        with workspace.bound(one.id), db.reading() as session:
            if db.scalar(session, sql, id=id_):
                return one
    return None
