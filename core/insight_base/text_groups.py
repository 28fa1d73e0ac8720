"""Documents whose texts are nearly the same are one source: a group, named by its first document.

Each member was compared with the group's first document, never along a chain of members, and its insights count it with
the others once (counts.py). A document is in one group; most are alone in theirs.
"""

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from core.evidence import near_texts
from core.insight_base import counts, locks
from core.runtime import db

# Firsts that share a band with a text; more are texts of one form, of which the nearest come first by shared bands.
MOST_CANDIDATES = 20


def lock(session: Session) -> None:
    """One transaction at a time changes groups: two copies that are read at the same time must see one another. It
    comes before any lock of documents or insights, as leaving a group reaches documents that nobody named."""
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('cairn.text_group'))")


def assign(session: Session, document_id: str, text: str) -> list[str]:
    """Put a document that got this text into its group. Returns all documents whose group may be another one now, whose
    insights are to be recounted. The caller has the `lock` and holds the document."""
    regrouped = leave(session, [document_id])
    _join(session, document_id, text)
    return [document_id, *regrouped]


def recount(session: Session, document_ids: Iterable[str]) -> None:
    """Recount the insights of these documents."""
    counts.recount(session, locks.lock(session, insights_of(session, document_ids)))


def _join(session: Session, document_id: str, text: str) -> None:
    workspace = db.scalar(session, "SELECT workspace_id FROM document WHERE id = :id", id=document_id)
    bands = list(near_texts.bands(near_texts.signature(text)))
    first = _first_like(session, workspace, document_id, text, bands) if bands else None
    if first is None:
        db.execute(session, FOUND_GROUP, document=document_id, workspace=workspace, bands=bands)
    db.execute(session, JOIN_GROUP, document=document_id, first=first or document_id)


FOUND_GROUP = "INSERT INTO text_group (id, workspace_id, bands) VALUES (:document, :workspace, :bands)"
JOIN_GROUP = "UPDATE document SET text_group = :first WHERE id = :document"


def _first_like(session: Session, workspace: str, document_id: str, text: str, bands: Sequence[int]) -> str | None:
    mine = None
    candidates = db.rows(session, CANDIDATES, workspace=workspace, bands=list(bands), most=MOST_CANDIDATES)
    for candidate in candidates:
        mine = mine or near_texts.shingles(text)
        if near_texts.same(mine, near_texts.shingles(candidate.text)):
            return str(candidate.id)
    return None


CANDIDATES = """
SELECT g.id, t.text FROM text_group g JOIN document_text t ON t.document_id = g.id
WHERE g.workspace_id = :workspace AND g.bands && CAST(:bands AS bigint[])
ORDER BY cardinality(ARRAY(SELECT unnest(g.bands) INTERSECT SELECT unnest(CAST(:bands AS bigint[])))) DESC, g.id
LIMIT :most
"""


def leave(session: Session, document_ids: Iterable[str]) -> list[str]:
    """Take documents out of their groups, as they are deleted or get another text. Where the first one goes, the others
    find their groups anew, in the order in which they came: returned, as their insights are to be recounted. The caller
    has the `lock`."""
    ids = sorted(set(document_ids))
    db.execute(
        session, "UPDATE document SET text_group = NULL WHERE id = ANY(:ids) AND text_group IS NOT NULL", ids=ids
    )
    if not db.execute(session, "DELETE FROM text_group WHERE id = ANY(:ids)", ids=ids):
        return []
    left = [row.id for row in db.rows(session, WITHOUT_FIRST, ids=ids)]
    for document_id in left:
        if text := db.scalar(session, "SELECT text FROM document_text WHERE document_id = :id", id=document_id):
            _join(session, document_id, text)
    return left


# NULL until they have a group again.
WITHOUT_FIRST = """
WITH left_alone AS (UPDATE document SET text_group = NULL WHERE text_group = ANY(:ids) RETURNING id)
SELECT id FROM left_alone ORDER BY id
"""


def insights_of(session: Session, document_ids: Iterable[str]) -> list[str]:
    return [row.insight_id for row in db.rows(session, INSIGHTS_OF, ids=sorted(set(document_ids)))]


INSIGHTS_OF = "SELECT DISTINCT insight_id FROM evidence WHERE document_id = ANY(:ids)"
