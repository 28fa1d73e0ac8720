"""Read-only: what insights quote of one document, and where it stands in its text."""

from dataclasses import dataclass
from typing import Any

from core.insights import evidence_report
from core.insights.evidence_report import EvidenceRow
from core.runtime import db
from core.tables.documents import QUOTES_RECOGNIZED
from core.tables.insights import State

# Of one page of a document, and of what was not found in it.
MOST_PLACES, MOST_NOT_FOUND = 500, 50


@dataclass(frozen=True)
class Passage:
    """A quote that stands in the text at `start`..`end`, or for verdict `differs` the place that is nearest to it.

    `spans`: where it stands in several parts. `insight`: the head, and its `words` as people see them.
    """

    insight: str
    words: str
    state: State
    open_conflicts: int
    support: int
    quarantined: bool
    verdict: str | None
    read_by_ocr: bool
    start: int
    end: int
    spans: tuple[tuple[int, int], ...]

    @property
    def parts(self) -> tuple[tuple[int, int], ...]:
        return self.spans or ((self.start, self.end),)


@dataclass(frozen=True)
class Quoted:
    """How many insights quote a document: those with a place in it, and those without one."""

    placed: int
    not_found: int


def passages(document_id: str, first: int, last: int) -> list[Passage]:
    """Those that stand between these offsets, at least in part, in the order of the text."""
    with db.reading() as session:
        rows = db.rows(session, PASSAGES, document=document_id, first=first, last=last, most=MOST_PLACES)
    return [_passage(dict(row._mapping)) for row in rows]


def quoted(document_id: str) -> Quoted:
    with db.reading() as session:
        row = db.row(session, QUOTED, document=document_id)
    assert row is not None
    return Quoted(row.placed, row.quoted - row.placed)


def not_found(document_id: str) -> list[tuple[EvidenceRow, str]]:
    """Quotes of insights that have no place in this document, with the insights' words; dismissed ones come last."""
    rows = evidence_report.found(NOT_FOUND, document=document_id, most=MOST_NOT_FOUND)
    with db.reading() as session:
        words = {row.id: row.words for row in db.rows(session, WORDS, ids=[one.insight for one in rows])}
    return [(one, words[one.insight]) for one in rows if one.insight in words]


def _passage(columns: dict[str, Any]) -> Passage:
    spans = columns.pop("spans") or ()
    return Passage(**columns, spans=tuple((start, end) for start, end in spans))


# A head, for which the quotes of what was merged into it count.
_OF_DOCUMENT = """
evidence e JOIN insight i ON i.id = e.insight_id AND i.workspace_id = :workspace
JOIN insight h ON h.id = CASE WHEN i.head_id IS NULL THEN i.id ELSE i.head_id END
"""
PASSAGES = f"""
SELECT DISTINCT ON (place.start, place.until, h.id) h.id AS insight, coalesce(h.shown, h.statement) AS words, h.state,
  h.open_conflicts, h.support, h.quarantined, e.verdict, {QUOTES_RECOGNIZED} AS read_by_ocr, place.start,
  place.until AS "end", e.spans
FROM {_OF_DOCUMENT}
CROSS JOIN LATERAL (SELECT coalesce(e.start, e.nearest_start) AS start, coalesce(e."end", e.nearest_end) AS until) place
WHERE e.document_id = :document AND place.start < :last AND place.until > :first
ORDER BY place.start, place.until, h.id, e.supported DESC, e.id LIMIT :most
"""
QUOTED = f"""
SELECT count(DISTINCT h.id) AS quoted,
  count(DISTINCT h.id) FILTER (WHERE coalesce(e."end", e.nearest_end) IS NOT NULL) AS placed
FROM {_OF_DOCUMENT} WHERE e.document_id = :document
"""
NOT_FOUND = f"""
WITH chosen AS MATERIALIZED (
  SELECT min(e.id) AS id, h.id AS insight FROM {_OF_DOCUMENT} WHERE e.document_id = :document
  GROUP BY h.id HAVING bool_and(coalesce(e."end", e.nearest_end) IS NULL)
  ORDER BY h.state = 'dismissed', h.id DESC LIMIT :most
)
{evidence_report.SHOWN}
"""
WORDS = """
SELECT id, coalesce(shown, statement) AS words FROM insight WHERE id = ANY(:ids) AND workspace_id = :workspace
"""
