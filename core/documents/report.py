"""Read-only: documents and collections in lists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, place
from core.tables.documents import NOT_KNOWN, READ_IN_PART, DocumentWarning, warnings_of

Again = Literal["waiting", "reading", "failed"]
# Whether something of the file is not in the text: it is so, it is not, or nobody knows.
WithWarnings = Literal["true", "false", "unknown"]

LIST_NAME = "documents"


@dataclass(frozen=True)
class DocumentRow:
    """`stage` with `stage_done` of `stage_total` while it is extracting. `warnings` None: not known. `read_by_ocr`:
    numbers of the pages with words that were recognized in pictures. `part_of`: the archive it came in; an archive
    itself is `UNPACKED`.

    `again`: it is to be read again, or could not be, for the reason in `again_error_*`.
    """

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
    warnings: tuple[DocumentWarning, ...] | None
    read_by_ocr: list[int] | None
    part_of: str | None
    again: Again | None
    again_error_code: str | None
    again_error_message: str | None
    again_correlation_id: str | None


@dataclass(frozen=True)
class Filters:
    """Which documents. `name` is a part of the file name; `part_of` the archive they came in. `with_archives`: those
    that are unpacked count as ready."""

    collection: str | None = None
    state: str | None = None
    name: str | None = None
    warnings: WithWarnings | None = None
    part_of: str | None = None
    with_archives: bool = False


@dataclass(frozen=True)
class SumUp:
    """Of `documents` that are ready: how many were read in part, of how many it is not known, and how many lack what,
    by code."""

    documents: int
    read_in_part: int
    not_known: int
    lacking: Mapping[str, int]


@dataclass(frozen=True)
class CollectionRow:
    id: str
    name: str
    documents: int
    ready: int
    failed: int
    tokens: int


@dataclass(frozen=True)
class FailureRow:
    """Documents that could not be read for one reason, with one of them as an example."""

    message: str
    documents: int
    example: str


COLUMNS = """d.id, d.name, c.name AS collection, d.sha256, d.media_type, d.size_bytes, d.state, d.stage, d.stage_done,
  d.stage_total, d.error_code, d.error_message, d.pages, d.characters, d.tokens, d.language, d.created_at,
  d.correlation_id, d.warnings, d.read_by_ocr, d.part_of,
  CASE WHEN a.error_code IS NOT NULL THEN 'failed' WHEN a.worker_id IS NOT NULL
    THEN 'reading' WHEN a.document_id IS NOT NULL THEN 'waiting' END AS again,
  a.error_code AS again_error_code, a.error_message AS again_error_message,
  a.correlation_id AS again_correlation_id"""
FROM = """document d JOIN collection c ON c.id = d.collection_id AND d.workspace_id = :workspace
  LEFT JOIN read_again a ON a.document_id = d.id"""

# Each has an index of its own, but for all of it: that is what most documents are.
WITH_WARNINGS: Mapping[WithWarnings, str] = {
    "true": READ_IN_PART,
    "false": "d.warnings = '[]'",
    "unknown": NOT_KNOWN,
}


def matching(filters: Filters) -> tuple[str, dict[str, Any]]:
    """SQL condition on a document d of collection c, and its parameters."""
    condition = """(CAST(:collection AS text) IS NULL OR c.name = :collection)
  AND (CAST(:state AS text) IS NULL OR d.state = :state OR :archives AND d.state = 'unpacked')
  AND (CAST(:name AS text) IS NULL OR strpos(lower(d.name), lower(:name)) > 0)"""
    if filters.part_of:
        condition += " AND d.part_of = :part_of"
    if filters.warnings:
        condition += f" AND {WITH_WARNINGS[filters.warnings]}"
    given = {"collection": filters.collection, "state": filters.state, "name": filters.name or None}
    archives = filters.with_archives and filters.state == "ready"
    return condition, given | {"archives": archives} | ({"part_of": filters.part_of} if filters.part_of else {})


def find(filters: Filters = Filters(), *, limit: int = 100, cursor: str | None = None) -> Page[DocumentRow]:
    """Newest first."""
    checked_limit(limit)
    after = place(cursor, LIST_NAME)
    condition, given = matching(filters)
    sql = f"""SELECT {COLUMNS} FROM {FROM} WHERE {condition} AND (CAST(:cursor AS text) IS NULL OR d.id < :cursor)
              ORDER BY d.id DESC LIMIT :limit"""
    with db.reading() as session:
        found = db.rows(session, sql, **given, cursor=after, limit=limit + 1)
    rows = [_row(row) for row in found]
    return cut(rows, limit, LIST_NAME, [row.id for row in rows])


def every(session: Session, filters: Filters) -> Iterator[DocumentRow]:
    """All of that list."""
    condition, given = matching(filters)
    sql = f"SELECT {COLUMNS} FROM {FROM} WHERE {condition} ORDER BY d.id DESC"
    return map(_row, db.stream(session, sql, **given))


def count(filters: Filters) -> int:
    """How many that have a text match."""
    return _count(filters, HAS_TEXT)


def count_all(filters: Filters) -> int:
    """How many match, in whatever state."""
    return _count(filters, "true")


def _count(filters: Filters, only: str) -> int:
    condition, given = matching(filters)
    sql = f"""SELECT count(*) FROM document d JOIN collection c ON c.id = d.collection_id
              WHERE d.workspace_id = :workspace AND {condition} AND {only}"""
    with db.reading() as session:
        number: int = db.scalar(session, sql, **given)
        return number


HAS_TEXT = "d.state = 'ready'"


def sum_up(chosen: Sequence[str] | str) -> SumUp:
    """`chosen`: ids of documents, or the name of a collection."""
    if isinstance(chosen, str):
        return _sum_up(
            "d.collection_id = (SELECT id FROM collection WHERE workspace_id = :workspace AND name = :chosen)", chosen
        )
    return _sum_up("d.id = ANY(:chosen)", list(chosen))


def sum_up_job(job_id: str) -> SumUp:
    """Of the documents of a job."""
    return _sum_up(OF_JOB, job_id)


OF_JOB = """d.id IN (SELECT jd.document_id FROM job_document jd JOIN job j ON j.id = jd.job_id
  WHERE j.id = :chosen AND j.workspace_id = :workspace)"""


def _sum_up(condition: str, chosen: list[str] | str) -> SumUp:
    with db.reading() as session:
        found = db.row(session, SUM_UP.format(condition=condition), chosen=chosen)
    assert found is not None
    return SumUp(**found._mapping)


SUM_UP = f"""
WITH chosen AS (SELECT d.warnings FROM document d
  WHERE d.workspace_id = :workspace AND {{condition}} AND {HAS_TEXT})
SELECT count(*) AS documents, count(*) FILTER (WHERE warnings <> '[]') AS read_in_part,
  count(*) FILTER (WHERE warnings IS NULL) AS not_known,
  (SELECT coalesce(jsonb_object_agg(code, number ORDER BY number DESC), '{{{{}}}}') FROM (
    SELECT w.one ->> 'code' AS code, count(*) AS number
    FROM chosen c CROSS JOIN LATERAL jsonb_array_elements(c.warnings) AS w(one)
    WHERE c.warnings <> '[]' GROUP BY 1) AS each) AS lacking
FROM chosen
"""


def _row(row: Row[Any]) -> DocumentRow:
    return DocumentRow(**{**row._mapping, "warnings": warnings_of(row.warnings)})


def by_ids(ids: Sequence[str]) -> list[DocumentRow]:
    """In the order of their creation; ids that are gone are left out."""
    if not ids:
        return []
    sql = f"SELECT {COLUMNS} FROM {FROM} WHERE d.id = ANY(:ids) ORDER BY d.id"
    with db.reading() as session:
        return [_row(row) for row in db.rows(session, sql, ids=ids)]


def count_by_state(collection: str | None = None) -> dict[str, int]:
    only = OF_COLLECTION if collection else ""
    with db.reading() as session:
        found = db.rows(session, BY_STATE.format(only=only), **({"collection": collection} if collection else {}))
        return {row.state: row.n for row in found}


def failures(collection: str | None = None) -> list[FailureRow]:
    """Why documents could not be read, the most frequent reason first."""
    only = OF_COLLECTION if collection else ""
    with db.reading() as session:
        found = db.rows(session, FAILURES.format(only=only), **({"collection": collection} if collection else {}))
        return [FailureRow(**row._mapping) for row in found]


FAILURES = """
SELECT coalesce(error_message, 'No reason is known.') AS message, count(*)::int AS documents, min(name) AS example
FROM document WHERE state = 'failed' AND workspace_id = :workspace {only}
GROUP BY 1 ORDER BY documents DESC, message LIMIT 20
"""
BY_STATE = "SELECT state, count(*) AS n FROM document WHERE workspace_id = :workspace {only} GROUP BY state"
OF_COLLECTION = """AND collection_id = (
  SELECT id FROM collection WHERE name = :collection AND workspace_id = :workspace)"""


def collection_names() -> list[str]:
    """By name, as `collections`, which counts documents: of 100,000 that takes as long as all else of a page."""
    with db.reading() as session:
        return [row.name for row in db.rows(session, NAMES)]


NAMES = "SELECT name FROM collection WHERE workspace_id = :workspace ORDER BY name"


def collections() -> list[CollectionRow]:
    sql = """SELECT c.id, c.name, count(d.id) AS documents, count(d.id) FILTER (WHERE d.state = 'ready') AS ready,
               count(d.id) FILTER (WHERE d.state = 'failed') AS failed, coalesce(sum(d.tokens), 0)::bigint AS tokens
             FROM collection c LEFT JOIN document d ON d.collection_id = c.id
             WHERE c.workspace_id = :workspace GROUP BY c.id ORDER BY c.name"""
    with db.reading() as session:
        return [CollectionRow(**row._mapping) for row in db.rows(session, sql)]
