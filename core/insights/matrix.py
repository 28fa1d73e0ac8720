"""The matrix of a template: documents by fields, each cell with its value, its quote and what was found of that.

A row is the document's latest answer to the template, of whichever version, job and model; a long document that was
asked in parts has one, the merged one. Columns are the fields of the newest version.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import orjson
from sqlalchemy import Row
from sqlmodel import Session

from core.asking import templates
from core.errors import InvalidInput
from core.fields import FieldSpec
from core.insights.matrix_filters import Conditions, condition, sorting
from core.insights.report import Count
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, not_ours, place

# Rows whose quotes are looked up together.
BLOCK = 200
# More are not counted: it would take longer than the page.
MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Wanted:
    """`where`: (field, value) pairs that all have to fit; see core.insights.matrix_filters. `evidence`: documents all
    of whose quotes stand in them, or some do not. `sort`: a field, or `document` for its name, descending behind `-`;
    None: newest documents first."""

    template: str
    collection: str | None = None
    job: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    evidence: Literal["supported", "unsupported"] | None = None
    sort: str | None = None


@dataclass(frozen=True)
class Cell:
    """`quote` None: none was asked for or given. `start`, `end`: offsets of its place in the document, or where it
    differs, of the place that it is nearest to (`supported` false); None without one. `quarantined`: that place lies in
    a passage that gives instructions to a model."""

    value: Any
    quote: str | None = None
    verdict: str | None = None
    supported: bool = False
    quarantined: bool = False
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class MatrixRow:
    """`cells` by field."""

    document: str
    name: str
    collection: str
    response: int
    job: str
    cells: Mapping[str, Cell]

    @property
    def id(self) -> str:
        return self.document


@dataclass(frozen=True)
class Matrix:
    fields: tuple[FieldSpec, ...]
    page: Page[MatrixRow]


def fields_of(template_id: str) -> tuple[FieldSpec, ...]:
    """Raises NotFound, and InvalidInput where a document has no single value for a field."""
    template = templates.get(template_id)
    if template.insights or not template.fields:
        raise InvalidInput(
            f"{template.name} has no matrix: that takes a template with fields that makes no insights, so that each "
            "document has one value for each field."
        )
    return template.fields


def find(wanted: Wanted, *, limit: int = 100, cursor: str | None = None) -> Matrix:
    checked_limit(limit)
    fields = fields_of(wanted.template)
    of = f"matrix-{wanted.template}-{wanted.sort or ''}"
    sql, given = _statement(fields, wanted, _key_and_document(place(cursor, of)), "LIMIT :limit")
    with db.reading() as session:
        found = db.rows(session, sql, limit=limit + 1, **given)
        rows = _rows(session, found, fields)
    places = [orjson.dumps([None if row.key is None else str(row.key), row.document]).decode() for row in found]
    return Matrix(fields, cut(rows, limit, of, places))


def check(wanted: Wanted) -> None:
    """Raises what `find` would, and looks nothing up but the template."""
    _statement(fields_of(wanted.template), wanted, None, "")


def count(wanted: Wanted) -> Count:
    """How many documents are in it."""
    sql, given = _statement(fields_of(wanted.template), replace(wanted, sort=None), None, f"LIMIT {MOST_COUNTED + 1}")
    with db.reading() as session:
        found: int = db.scalar(session, f"SELECT count(*) FROM ({sql}) found", **given)
    return Count(min(found, MOST_COUNTED), found > MOST_COUNTED)


def every(session: Session, fields: Sequence[FieldSpec], wanted: Wanted) -> Iterator[MatrixRow]:
    """All rows, as many as there are, by a cursor of the caller's transaction."""
    sql, given = _statement(fields, wanted, None, "")
    found = db.stream(session, sql, **given)
    while block := list(islice(found, BLOCK)):
        yield from _rows(session, block, fields)


def _key_and_document(at: str | None) -> tuple[str | None, str] | None:
    if at is None:
        return None
    try:
        key, document = orjson.loads(at)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise not_ours() from None
    if not isinstance(document, str) or not isinstance(key, str | None):
        raise not_ours()
    return key, document


def _statement(
    fields: Sequence[FieldSpec], wanted: Wanted, after: tuple[str | None, str] | None, limit: str
) -> tuple[str, dict[str, Any]]:
    by_name = {field.name: field for field in fields}
    found = [condition(by_name, name, value, f"w{number}") for number, (name, value) in enumerate(wanted.where)]
    order = sorting(by_name, wanted.sort, after)
    conditions = Conditions.all_of([*found, order.after])
    given: dict[str, Any] = {**conditions.given, **order.given, "template": wanted.template}
    narrowed = {"collection": wanted.collection or None, "job": wanted.job or None}
    given |= {name: value for name, value in narrowed.items() if value is not None}
    sql = ROWS.format(
        key=order.key,
        order=order.order,
        where=conditions.sql,
        job="AND j.id = :job" if wanted.job else "",
        collection=f"AND d.collection_id = ({COLLECTION})" if wanted.collection else "",
        evidence=EVIDENCE[wanted.evidence],
        limit=limit,
    )
    return sql, given


# By its id, so that the documents of one are read in their order.
COLLECTION = "SELECT id FROM collection WHERE name = :collection AND workspace_id = :workspace"
# Of each document the latest answer to the whole of it, not to a part: that request bears the document's id. An answer
# that was deleted since is none.
ROWS = """
SELECT d.id AS document, d.name, c.name AS collection, a.response, a.job, a.result, {key} AS key
FROM document d JOIN collection c ON c.id = d.collection_id
CROSS JOIN LATERAL (
  SELECT r.response_id AS response, j.id AS job, s.result
  FROM request r JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace AND j.template_id = :template {job}
  JOIN response s ON s.id = r.response_id AND s.result IS NOT NULL
  WHERE r.document_id = d.id AND r.custom_id = d.id AND r.state = 'succeeded'
  ORDER BY r.finished_at DESC NULLS LAST, r.id DESC LIMIT 1
) a
WHERE d.workspace_id = :workspace {collection} {evidence} AND {where}
ORDER BY {order} {limit}
"""
_UNSUPPORTED = """EXISTS (SELECT 1 FROM field_quote q
  WHERE q.document_id = d.id AND q.response_id = a.response AND (NOT q.supported OR q.quarantined)
    AND d.workspace_id = :workspace)"""
EVIDENCE = {None: "", "unsupported": f"AND {_UNSUPPORTED}", "supported": f"AND NOT {_UNSUPPORTED}"}


def _rows(session: Session, found: Sequence[Row[Any]], fields: Sequence[FieldSpec]) -> list[MatrixRow]:
    quotes: dict[tuple[str, str], Row[Any]] = {}
    if any(field.quote for field in fields):
        given = {"documents": [row.document for row in found], "responses": [row.response for row in found]}
        quotes = {(row.document_id, row.field): row for row in db.rows(session, QUOTES, **given)}
    return [
        MatrixRow(
            *(row.document, row.name, row.collection, row.response, row.job),
            {field.name: _cell(row.result.get(field.name), quotes.get((row.document, field.name))) for field in fields},
        )
        for row in found
    ]


QUOTES = """
SELECT q.document_id, q.field, q.quote, q.verdict, q.supported AND NOT q.quarantined AS supported, q.quarantined,
  coalesce(q.start, q.nearest_start) AS start,
  coalesce(q."end", q.nearest_end) AS "end"
FROM unnest(CAST(:documents AS text[]), CAST(:responses AS bigint[])) AS r(document, response)
JOIN field_quote q ON q.document_id = r.document AND q.response_id = r.response
JOIN document d ON d.id = q.document_id AND d.workspace_id = :workspace
"""


def _cell(value: Any, quote: Row[Any] | None) -> Cell:
    if quote is None:
        return Cell(value)
    return Cell(value, quote.quote, quote.verdict, quote.supported, quote.quarantined, quote.start, quote.end)
