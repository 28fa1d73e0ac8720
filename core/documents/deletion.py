"""Delete documents with their answers and evidence; usage records stay."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from core.access import audit
from core.access.roles import require
from core.errors import NotFound
from core.insight_base import counts, locks, text_groups
from core.runtime import db
from core.tables.documents import Document


@dataclass(frozen=True)
class Removed:
    """How much was deleted. `size_bytes` are of files that no other document has."""

    documents: int = 0
    size_bytes: int = 0
    responses: int = 0
    evidence: int = 0
    insights: int = 0


def delete(document_id: str) -> None:
    """Remove bytes, text, bodies, responses and evidence; usage records stay.

    Open requests are cancelled; the answer of a call in flight is still billed. Raises NotFound, Forbidden.
    """
    with db.transaction() as session:
        text_groups.lock(session)
        document = db.within(session, Document, document_id, lock="update")
        if document is None:
            raise NotFound(f"There is no document {document_id}.")
        require("document.delete", document.made_by)
        before = {"collection": document.collection_id, "sha256": document.sha256, "made_by": document.made_by}
        name = document.name
        remove(session, [document_id])
        audit.write(session, "document.delete", "document", document_id, name=name, before=before)


def remove(session: Session, ids: Sequence[str]) -> Removed:
    """Delete several documents, of archives with their parts: those that somebody moved to another collection are
    documents of their own. The caller has the lock of text groups, and then those of the documents."""
    parts = [row.id for row in db.rows(session, PARTS, ids=list(ids))]
    chosen = list(dict.fromkeys([*ids, *parts]))
    regrouped = text_groups.leave(session, chosen)
    around = locks.lock_around(session, text_groups.insights_of(session, [*chosen, *regrouped]))
    evidence = db.rows(session, DELETE_EVIDENCE, ids=chosen)
    insights = counts.recount(session, around)
    for statement in (DELETE_BODIES, CANCEL_REQUESTS, FORGET_READ_AGAIN):
        db.execute(session, statement, ids=chosen)
    quoted = sorted({row.response_id for row in evidence})
    responses = db.execute(session, DELETE_RESPONSES, ids=chosen, quoted=quoted)
    db.execute(session, LEAVE_JOBS, ids=chosen)
    db.execute(session, LEAVE_ARCHIVES, ids=chosen)
    hashes = [row.sha256 for row in db.rows(session, DELETE_DOCUMENTS, ids=chosen)]
    with db.seeing_all(session):
        blobs = db.rows(session, DELETE_BLOBS, hashes=sorted(set(hashes)))
    return Removed(len(hashes), sum(row.size_bytes for row in blobs), responses, len(evidence), insights)


PARTS = """
SELECT d.id FROM document d JOIN document a ON a.id = d.part_of AND a.collection_id = d.collection_id
WHERE d.part_of = ANY(:ids) ORDER BY d.id FOR UPDATE OF d
"""
LEAVE_ARCHIVES = "UPDATE document SET part_of = NULL WHERE part_of = ANY(:ids) AND id <> ALL(:ids)"
DELETE_EVIDENCE = """
WITH gone AS (DELETE FROM evidence WHERE document_id = ANY(:ids) RETURNING id, insight_id, response_id),
again AS (DELETE FROM sighting s USING gone WHERE s.evidence_id = gone.id RETURNING s.response_id)
SELECT response_id FROM gone UNION ALL SELECT response_id FROM again
"""
DELETE_BODIES = "DELETE FROM request_body b USING request r WHERE b.request_id = r.id AND r.document_id = ANY(:ids)"
CANCEL_REQUESTS = """
UPDATE request SET state = 'cancelled', finished_at = now(), worker_id = NULL
WHERE document_id = ANY(:ids) AND state IN ('held', 'pending', 'in_flight', 'answered')
"""
FORGET_READ_AGAIN = "DELETE FROM read_again WHERE document_id = ANY(:ids)"
# Answers of these documents, also of jobs that were deleted (through their evidence). An answer stays while another
# document with the same text reuses it or has evidence of it.
DELETE_RESPONSES = """
WITH theirs AS (
  SELECT s.id FROM request r JOIN response s ON s.request_id = r.id WHERE r.document_id = ANY(:ids)
  UNION SELECT r.response_id FROM request r WHERE r.document_id = ANY(:ids)
  UNION SELECT unnest(CAST(:quoted AS bigint[]))
)
DELETE FROM response s USING theirs WHERE s.id = theirs.id
  AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.response_id = s.id)
  AND NOT EXISTS (SELECT 1 FROM request o WHERE o.response_id = s.id AND (o.document_id IS NULL
    OR o.document_id <> ALL(:ids) AND EXISTS (SELECT 1 FROM document d WHERE d.id = o.document_id)))
"""
LEAVE_JOBS = "UPDATE job_document SET expanded = true WHERE document_id = ANY(:ids)"
DELETE_DOCUMENTS = "DELETE FROM document WHERE id = ANY(:ids) RETURNING sha256"
DELETE_BLOBS = """
DELETE FROM blob b WHERE sha256 = ANY(:hashes) AND NOT EXISTS (SELECT 1 FROM document d WHERE d.sha256 = b.sha256)
RETURNING size_bytes
"""
