"""The answers of a job as a table: a row for each document, a column for each field of its template, with the quotes
and what was found of them, and what the document cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Row

from core.access import audit
from core.asking import templates
from core.errors import InvalidInput
from core.exports import cells
from core.exports.columns import Column, FormatName, Kind
from core.exports.write import write
from core.fields import QUOTES
from core.jobs import report
from core.jobs.report import JobRow
from core.runtime import db

KINDS: Mapping[str, Kind] = {"number": "number", "integer": "number", "boolean": "boolean", "array": "list"}
FIRST = (Column("document"), Column("name"), Column("collection"), Column("state"))
LAST = (Column("error"), Column("reused", "boolean"), Column("cost_usd", "money"))


@dataclass(frozen=True)
class _Property:
    """A property of the answer's schema. `stated`: a list of statements, each with a quote; `quoted`: the names of
    fields that have quotes, under this one; `passages`: a list of quotes."""

    name: str
    kind: Kind
    stated: bool = False
    quoted: tuple[str, ...] = ()
    passages: bool = False

    @property
    def columns(self) -> list[Column]:
        if self.quoted:
            return [Column(f"{name}_{what}") for name in self.quoted for what in ("quote", "verdict")]
        own = Column(self.name, self.kind)
        if self.stated:
            return [own, Column(f"{self.name}_quotes", "list"), Column(f"{self.name}_verdicts", "list")]
        return [own, Column(f"{self.name}_verdicts", "list")] if self.passages else [own]

    def values(self, result: Mapping[str, Any], verdicts: Mapping[str, str]) -> list[Any]:
        found = result.get(self.name)
        if self.quoted:
            return [value for name in self.quoted for value in ((found or {}).get(name), verdicts.get(f"field {name}"))]
        if self.stated:
            items = found or []
            quotes = [item["quote"] for item in items]
            return [[item["statement"] for item in items], quotes, _verdicts(quotes, verdicts)]
        if self.passages:
            return [found, _verdicts(found or [], verdicts)]
        return [found if self.kind != "text" or found is None or isinstance(found, str) else cells.flat(found, "json")]


def _verdicts(quotes: list[str], verdicts: Mapping[str, str]) -> list[str]:
    return [verdicts.get(f"quote {quote}", "not checked") for quote in quotes]


def checked(job_id: str) -> JobRow:
    """Raises NotFound, and InvalidInput for a job whose answers have no fields."""
    job = report.get(job_id)
    if job.template is None:
        raise InvalidInput("A job of your custom requests has no fields and no documents. Take its output as jsonl.")
    if job.judges:
        raise InvalidInput("A judge's job has no documents. Its pairs: GET /api/v1/review/judge/{job}.")
    return job


def export(file: BinaryIO, format_: FormatName, job: JobRow) -> None:
    """All documents whose request has ended, at one moment."""
    assert job.template is not None
    with db.transaction() as session:
        audit.write(session, "export", "answers", job.id, after={"format": format_})
    with db.transaction(reads="snapshot") as session:
        schema = templates.asking(session, job.template, job.params, job.template_version).schema
        properties = [_property(name, one) for name, one in schema["properties"].items()]
        columns = [*FIRST, *(column for one in properties for column in one.columns), *LAST]
        write(file, format_, job.name, _named_apart(columns), _rows(db.stream(session, ROWS, job=job.id), properties))


def _property(name: str, schema: Mapping[str, Any]) -> _Property:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if kinds[0] == "object" and name == QUOTES:
        return _Property(name, "json", quoted=tuple(schema["properties"]))
    stated = kinds[0] == "array" and schema["items"]["type"] == "object"
    return _Property(name, KINDS.get(kinds[0], "text"), stated, (), kinds[0] == "array" and name == QUOTES)


def _named_apart(columns: list[Column]) -> list[Column]:
    """A field may be called like another column: the later one gets a `_`."""
    found: dict[str, Column] = {}
    for column in columns:
        name = column.name
        while name in found:
            name += "_"
        found[name] = Column(name, column.kind)
    return list(found.values())


def _rows(found: Iterator[Row[Any]], properties: list[_Property]) -> Iterator[list[Any]]:
    for row in found:
        verdicts = {**(row.of_fields or {}), **(row.of_statements or {})}
        values = [value for one in properties for value in one.values(row.result or {}, verdicts)]
        yield [row.document, row.name, row.collection, row.state, *values, row.error, row.reused, row.cost_usd]


# The request about a whole document bears its id. What a long one cost is what its parts and their merge did.
ROWS = """
SELECT d.id AS document, d.name, c.name AS collection, r.state, s.result, r.error_message AS error, r.reused,
  (SELECT CASE WHEN bool_and(u.priced) THEN sum(u.cost_usd) END FROM request p
   JOIN usage_record u ON u.request_id = p.id AND u.workspace_id = :workspace
   WHERE p.job_id = r.job_id AND p.document_id = r.document_id) AS cost_usd,
  (SELECT jsonb_object_agg('field ' || q.field, q.verdict) FROM field_quote q
   WHERE q.document_id = d.id AND q.response_id = s.id) AS of_fields,
  (SELECT jsonb_object_agg('quote ' || e.quote, e.verdict) FROM evidence e
   WHERE e.document_id = d.id AND e.template_id = j.template_id AND e.verdict IS NOT NULL) AS of_statements
FROM request r JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace
JOIN document d ON d.id = r.document_id AND d.workspace_id = :workspace JOIN collection c ON c.id = d.collection_id
LEFT JOIN response s ON s.id = r.response_id AND s.verdict = 'ok'
WHERE r.job_id = :job AND r.custom_id = d.id AND r.state IN ('succeeded', 'failed', 'cancelled')
ORDER BY r.id
"""
