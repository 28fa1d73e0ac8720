"""Move documents to another collection: what was found in them is listed there from then on, and what was spent stays
with the collection that they were in.

Nothing is moved while a job asks it: what that may cost is held against the budget of the collection that it was
launched over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.access import audit
from core.access.roles import require
from core.documents import upload
from core.errors import Conflict, InvalidInput, NotFound
from core.insight_base import listings, locks, text_groups
from core.runtime import db
from core.tables.jobs import ACTIVE, in_sql


@dataclass(frozen=True)
class Moved:
    """How many went, and the names of those that stayed: since the collection has their content already (`there`), or
    since a job under way asks them (`asked`)."""

    documents: int
    there: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


def move(ids: Sequence[str], collection: str) -> Moved:
    """Move those of these documents that can be moved to a collection, which is made when new.

    An archive goes with its parts, but those that somebody moved elsewhere, or all of it stays. Raises NotFound,
    Forbidden, and InvalidInput for a name that is blank or too long: then nothing was moved.
    """
    with db.transaction() as session:
        return _move(session, ids, collection)


def move_one(document_id: str, collection: str) -> None:
    """Raises Conflict where it stays, and else as `move`."""
    with db.transaction() as session:
        moved = _move(session, [document_id], collection)
        if moved.asked:
            raise Conflict(f"A job under way asks {moved.asked[0]}. Move it once that job has ended.")
        if moved.there:
            raise Conflict(f"That collection has the content of {moved.there[0]} already. Delete one of them instead.")


def _move(session: Session, ids: Sequence[str], collection: str) -> Moved:
    if not collection.strip():
        raise InvalidInput("Name the collection that they go to.")
    units = _locked(session, ids)
    chosen = [row for unit in units for row in unit]
    for made_by in {row.made_by for row in chosen}:
        require("document.move", made_by)
    place = upload.collection_named(session, collection)
    upload.lock_content(session, place.id, (row.sha256 for row in chosen))
    asked = _ids(db.rows(session, ASKED, ids=[row.id for row in chosen]))
    known = db.rows(session, KNOWN, collection=place.id, hashes=[row.sha256 for row in chosen])
    there = {row.sha256 for row in known}
    going: list[Row[Any]] = []
    stayed: dict[str, list[str]] = {"there": [], "asked": []}
    for unit in units:
        elsewhere = [row for row in unit if row.collection_id != place.id]
        if _ids(elsewhere) & asked:
            stayed["asked"].append(unit[0].name)
        elif doubled := [row.name for row in elsewhere if row.sha256 in there]:
            stayed["there"].append(doubled[0])
        else:
            going += elsewhere
            there |= {row.sha256 for row in elsewhere}
    _go(session, going, place.id)
    return Moved(len(going), tuple(stayed["there"]), tuple(stayed["asked"]))


def _go(session: Session, going: Sequence[Row[Any]], collection_id: str) -> None:
    ids = [row.id for row in going]
    db.execute(session, MOVE, ids=ids, collection=collection_id)
    listings.renew(session, locks.lock_of_documents(session, ids))
    for row in going:
        before, after = {"collection": row.collection_id}, {"collection": collection_id}
        audit.write(session, "document.move", "document", row.id, name=row.name, before=before, after=after)


def _locked(session: Session, ids: Sequence[str]) -> list[list[Row[Any]]]:
    """What goes or stays together: each document, an archive with its parts. Those are looked for once it is held, so
    that none comes in between."""
    text_groups.lock(session)  # as whoever deletes documents, and reaches further ones
    chosen = sorted(set(ids))
    units = {row.id: [row] for row in db.rows(session, LOCK, ids=chosen)}
    if missing := set(chosen) - units.keys():
        raise NotFound(f"There is no document {min(missing)}. It may have been deleted.")
    for row in db.rows(session, LOCK_PARTS, ids=chosen):
        units[row.part_of].append(row)
    return list(units.values())


def _ids(rows: Iterable[Row[Any]]) -> set[str]:
    return {row.id for row in rows}


COLUMNS = "d.id, d.name, d.made_by, d.sha256, d.collection_id, d.part_of"
LOCK = f"""
SELECT {COLUMNS} FROM document d WHERE d.workspace_id = :workspace AND d.id = ANY(:ids) ORDER BY d.id FOR UPDATE
"""
LOCK_PARTS = f"""
SELECT {COLUMNS} FROM document d JOIN document a ON a.id = d.part_of AND a.collection_id = d.collection_id
WHERE d.workspace_id = :workspace AND d.part_of = ANY(:ids) AND d.id <> ALL(:ids) ORDER BY d.id FOR UPDATE OF d
"""
ASKED = f"""
SELECT d.id FROM document d WHERE d.workspace_id = :workspace AND d.id = ANY(:ids) AND EXISTS (
  SELECT FROM job_document jd JOIN job j ON j.id = jd.job_id
  WHERE jd.document_id = d.id AND j.workspace_id = :workspace AND j.state IN {in_sql(ACTIVE)})
"""
KNOWN = """
SELECT sha256 FROM document WHERE workspace_id = :workspace AND collection_id = :collection AND sha256 = ANY(:hashes)
"""
MOVE = "UPDATE document SET collection_id = :collection WHERE workspace_id = :workspace AND id = ANY(:ids)"
