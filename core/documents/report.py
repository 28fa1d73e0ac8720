"""Read-only: documents and collections in lists."""

from dataclasses import dataclass
from datetime import datetime

from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut


@dataclass(frozen=True)
class DocumentRow:
    """`stage` with `stage_done` of `stage_total` while it is extracting."""

    id: str
    name: str
    collection: str
    sha256: str
    media_type: str
    size_bytes: int
    state: str
    stage: str | None
    stage_done: int | None
    stage_total: int | None
    error_code: str | None
    error_message: str | None
    pages: int | None
    characters: int | None
    tokens: int | None
    language: str | None
    created_at: datetime
    correlation_id: str | None


@dataclass(frozen=True)
class CollectionRow:
    id: str
    name: str
    documents: int
    ready: int
    failed: int
    tokens: int


COLUMNS = """d.id, d.name, c.name AS collection, d.sha256, d.media_type, d.size_bytes, d.state, d.stage, d.stage_done,
  d.stage_total, d.error_code, d.error_message, d.pages, d.characters, d.tokens, d.language, d.created_at,
  d.correlation_id"""

LIST = f"""
SELECT {COLUMNS} FROM document d JOIN collection c ON c.id = d.collection_id
WHERE (CAST(:collection AS text) IS NULL OR c.name = :collection)
  AND (CAST(:state AS text) IS NULL OR d.state = :state)
  AND (CAST(:name AS text) IS NULL OR strpos(lower(d.name), lower(:name)) > 0)
  AND (CAST(:cursor AS text) IS NULL OR d.id < :cursor)
ORDER BY d.id DESC LIMIT :limit
"""


def find(
    *,
    collection: str | None = None,
    state: str | None = None,
    name: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[DocumentRow]:
    """Newest first. `name` is a part of the file name."""
    checked_limit(limit)
    with db.transaction() as session:
        found = db.rows(
            session, LIST, collection=collection, state=state, name=name or None, cursor=cursor, limit=limit + 1
        )
    rows = [DocumentRow(**row._mapping) for row in found]
    return cut(rows, limit, [row.id for row in rows])


def by_ids(ids: list[str]) -> list[DocumentRow]:
    """In the order of their creation; ids that are gone are left out."""
    sql = f"""SELECT {COLUMNS} FROM document d JOIN collection c ON c.id = d.collection_id
              WHERE d.id = ANY(:ids) ORDER BY d.id"""
    with db.transaction() as session:
        return [DocumentRow(**row._mapping) for row in db.rows(session, sql, ids=ids)]


def count_by_state(collection: str | None = None) -> dict[str, int]:
    sql = """SELECT d.state, count(*) AS n FROM document d JOIN collection c ON c.id = d.collection_id
             WHERE CAST(:collection AS text) IS NULL OR c.name = :collection GROUP BY d.state"""
    with db.transaction() as session:
        return {row.state: row.n for row in db.rows(session, sql, collection=collection)}


def collections() -> list[CollectionRow]:
    sql = """SELECT c.id, c.name, count(d.id) AS documents, count(d.id) FILTER (WHERE d.state = 'ready') AS ready,
               count(d.id) FILTER (WHERE d.state = 'failed') AS failed, coalesce(sum(d.tokens), 0)::bigint AS tokens
             FROM collection c LEFT JOIN document d ON d.collection_id = c.id GROUP BY c.id ORDER BY c.name"""
    with db.transaction() as session:
        return [CollectionRow(**row._mapping) for row in db.rows(session, sql)]
