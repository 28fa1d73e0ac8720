"""Move documents to another collection: what was found in them is listed there from then on, and what was spent stays
with the collection that they were in."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.access import audit
from core.access.roles import require
from core.documents.upload import collection_named
from core.errors import Conflict, NotFound
from core.insight_base import listings, locks, text_groups
from core.runtime import db


@dataclass(frozen=True)
class Moved:
    """How many were moved, and the names of those that stayed: the collection has their content already."""

    documents: int
    stayed: tuple[str, ...] = ()


def move(ids: Sequence[str], collection: str) -> Moved:
    """Move documents, archives with their parts, to a collection, which is made when new. All of them, or none.

    What is there already counts as moved. Raises NotFound, Forbidden, InvalidInput for a name that is too long.
    """
    with db.transaction() as session:
        found = db.rows(session, LOCK, ids=sorted(set(ids)))
        if missing := set(ids) - {row.id for row in found}:
            raise NotFound(f"There is no document {min(missing)}. It may have been deleted.")
        for made_by in {row.made_by for row in found}:
            require("document.move", made_by)
        place = collection_named(session, collection)
        chosen = [row.id for row in found]
        went = [row.id for row in db.rows(session, MOVE, ids=chosen, collection=place.id)]
        touched = locks.lock_around(session, text_groups.insights_of(session, went))
        listings.renew(session, touched)
        for row in found:
            if row.id in went:
                before, after = {"collection": row.collection_id}, {"collection": place.id}
                audit.write(session, "document.move", "document", row.id, name=row.name, before=before, after=after)
        stayed = [row.name for row in found if row.id not in went and row.collection_id != place.id]
        return Moved(len(found) - len(stayed), tuple(stayed))


def move_one(document_id: str, collection: str) -> None:
    """Raises Conflict where the collection has its content already, and else as `move`."""
    if move([document_id], collection).stayed:
        raise Conflict("That collection has a document with the same content. Delete one of the two instead.")


LOCK = """
SELECT id, name, made_by, collection_id FROM document
WHERE workspace_id = :workspace AND (id = ANY(:ids) OR part_of = ANY(:ids)) ORDER BY id FOR UPDATE
"""
# Of several with the same content only the first one fits.
MOVE = """
WITH going AS (
  SELECT DISTINCT ON (d.sha256) d.id FROM document d
  WHERE d.workspace_id = :workspace AND d.id = ANY(:ids) AND d.collection_id <> :collection
    AND NOT EXISTS (SELECT 1 FROM document o WHERE o.workspace_id = :workspace AND o.collection_id = :collection
      AND o.sha256 = d.sha256)
  ORDER BY d.sha256, d.id
)
UPDATE document d SET collection_id = :collection FROM going g WHERE d.workspace_id = :workspace AND d.id = g.id
RETURNING d.id
"""
