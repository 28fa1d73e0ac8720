"""What an insight may be the same as, or contradict: found by four sources, ranked by one score.

`span`: their quotes overlap in one document: another model said it in other words. `quote`: the same quote stands in
other documents. `shape`: equal masked keys: they differ in figures, dates or a denial at most. `words`: they share rare
words. Each source is set-based, by an index, and bounded: frequent things find nothing, as they say nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.insight_base import traces
from core.runtime import db
from core.statements import keys
from core.statements.canonical import Canonical, canonical
from core.statements.compare import relation
from core.statements.resemblance import Resemblance, sought, weight_of
from core.tables.insights import FoundBy, PairKind

# Quotes of an insight that are looked at, and insights that one of them, or one masked key, finds.
MOST_QUOTES = 20
MOST_EQUAL = 40
# Of those that share rare words: twenty lost no partner of the labelled pairs.
MOST_BY_WORDS = 30
# Quotes that begin further before another one are not seen to overlap it.
LONGEST_QUOTE = 3_000
# What a source adds to the resemblance of the words. The same sentence may say two things.
OF_SPAN, OF_QUOTE, OF_SHAPE = 0.5, 0.4, 0.5
# What contradicts comes before what resembles.
CONFLICT, OVER_TIME = 1.0, 0.95


@dataclass(frozen=True)
class Candidate:
    """`insight` is paired with `other`, which is in the tree of `head`. `score`: 0 to 1."""

    insight: str
    other: str
    head: str
    kind: PairKind
    found_by: FoundBy
    score: float


@dataclass
class _Found:
    """By each source that found it, how much that says."""

    by: dict[FoundBy, float] = field(default_factory=dict)

    @property
    def best(self) -> FoundBy:
        return max(self.by, key=lambda source: (self.by[source], source))

    def score(self, resemblance: float) -> float:
        unlike = 1 - resemblance
        for says in self.by.values():
            unlike *= 1 - says
        return 1 - unlike


def of(session: Session, workspace: str, insight_ids: Sequence[str], most: int) -> dict[str, list[Candidate]]:
    """For each of these insights of the workspace up to `most` candidates of it, best first, one per head, which is
    never its own. Nothing is locked."""
    subjects = db.rows(session, SUBJECTS, ids=list(insight_ids), workspace=workspace)
    return dict(_found_for(session, workspace, subjects, most))


# What has no traces yet is given them here: of a few, for a live look.
SUBJECTS = """
SELECT i.id, coalesce(i.head_id, i.id) AS head, i.statement, i.language, i.question, i.masked_key, t.traces
FROM insight i LEFT JOIN statement_traces t ON t.insight_id = i.id
WHERE i.id = ANY(:ids) AND i.workspace_id = :workspace
"""


def _found_for(
    session: Session, workspace: str, subjects: Sequence[Row[Any]], most: int
) -> Iterator[tuple[str, list[Candidate]]]:
    own = {row.id: traces.of(row.statement, row.language) if row.traces is None else row.traces for row in subjects}
    frequency = dict(traces.frequencies(session, workspace, {one for some in own.values() for one in some}))
    for row in subjects:
        if row.traces is None:
            frequency.update({one: frequency.get(one, 0) + 1 for one in own[row.id]})
    found = _by_evidence_and_shape(session, workspace, list(own))
    for insight, other in _by_words(session, workspace, own, frequency):
        found.setdefault(insight, {}).setdefault(other, _Found()).by.setdefault("words", 0.0)
    others = {
        row.id: row
        for row in db.rows(
            session, OTHERS, ids=sorted({one for some in found.values() for one in some}), workspace=workspace
        )
    }
    rest = {one for row in others.values() for one in row.traces or ()} - frequency.keys()
    frequency.update(traces.frequencies(session, workspace, rest))
    for row in subjects:
        resemblance = Resemblance(own[row.id], frequency, frequency.get(traces.EVERY, 1))
        yield row.id, _ranked(row, found.get(row.id, {}), others, resemblance, most)


# Nothing is compared with what is in quarantine.
OTHERS = """
SELECT i.id, coalesce(i.head_id, i.id) AS head, i.statement, i.language, i.question, i.masked_key, t.traces
FROM insight i LEFT JOIN statement_traces t ON t.insight_id = i.id
WHERE i.id = ANY(:ids) AND i.workspace_id = :workspace
  AND NOT EXISTS (SELECT 1 FROM insight h
    WHERE h.id = coalesce(i.head_id, i.id) AND h.quarantined AND h.workspace_id = :workspace)
"""


def _by_evidence_and_shape(
    session: Session, workspace: str, insight_ids: Sequence[str]
) -> dict[str, dict[str, _Found]]:
    found: dict[str, dict[str, _Found]] = {}
    sources: tuple[tuple[FoundBy, str, float], ...] = (
        ("span", SPANS, OF_SPAN),
        ("quote", QUOTES, OF_QUOTE),
        ("shape", SHAPES, OF_SHAPE),
    )
    given = {"quotes": MOST_QUOTES, "equal": MOST_EQUAL, "longest": LONGEST_QUOTE, "workspace": workspace}
    for source, sql, says in sources:
        for row in db.rows(session, sql, ids=insight_ids, **given):
            by = found.setdefault(row.insight, {}).setdefault(row.other, _Found()).by
            by[source] = says * row.share
    return found


# A quote that is supported is long enough to say something, and none is empty.
MINE = """
WITH mine AS MATERIALIZED (
  SELECT s.id AS insight, e.* FROM unnest(CAST(:ids AS text[])) AS s(id) CROSS JOIN LATERAL (
    SELECT document_id, quote_key, start, "end" FROM evidence WHERE insight_id = s.id AND supported
    ORDER BY id LIMIT :quotes) e
)
"""
# `share`: how much of the longer quote is in both.
SPANS = f"""
{MINE}
SELECT m.insight, o.insight_id AS other,
  max((least(m."end", o."end") - greatest(m.start, o.start))
    / greatest(m."end" - m.start, o."end" - o.start, 1)::float8)
    AS share
FROM mine m CROSS JOIN LATERAL (
  SELECT insight_id, start, "end" FROM evidence e
  WHERE e.document_id = m.document_id AND e.start > m.start - :longest AND e.start < m."end" AND e."end" > m.start
    AND e.supported AND e.insight_id <> m.insight LIMIT :equal) o
GROUP BY m.insight, o.insight_id
"""
QUOTES = f"""
{MINE}
SELECT DISTINCT m.insight, o.insight_id AS other, 1 AS share
FROM mine m CROSS JOIN LATERAL (
  SELECT insight_id FROM evidence e WHERE e.quote_key = m.quote_key AND e.supported
    AND e.document_id <> m.document_id AND e.insight_id <> m.insight LIMIT :equal) o
"""
SHAPES = """
SELECT s.id AS insight, o.id AS other, 1 AS share FROM insight s CROSS JOIN LATERAL (
  SELECT id FROM insight i
  WHERE i.masked_key = s.masked_key AND i.id <> s.id AND i.workspace_id = :workspace LIMIT :equal) o
WHERE s.id = ANY(:ids)
"""


def _by_words(
    session: Session, workspace: str, own: Mapping[str, Sequence[str]], frequency: Mapping[str, int]
) -> Iterable[tuple[str, str]]:
    """Those that share what says most, which alone are worth a closer look."""
    statements = frequency.get(traces.EVERY, 1)
    looked_up = [(insight, trace) for insight, found in own.items() for trace in sought(found, frequency)]
    rows = db.columns(
        session,
        WORDS,
        insight=[insight for insight, _ in looked_up],
        word=[trace for _, trace in looked_up],
        says=[weight_of(trace, frequency, statements) for _, trace in looked_up],
        workspace=workspace,
        most=MOST_BY_WORDS,
    )
    return ((row.insight, row.other) for row in rows)


WORDS = """
WITH sought AS MATERIALIZED (
  SELECT * FROM unnest(%(insight)s::text[], %(word)s::text[], %(says)s::float8[]) AS n(insight, word, says)
)
SELECT insight, other FROM (
  SELECT s.insight, t.insight_id AS other,
    row_number() OVER (PARTITION BY s.insight ORDER BY sum(s.says) DESC, t.insight_id) AS place
  FROM sought s JOIN statement_traces t ON t.traces @> ARRAY[s.word]
  WHERE t.workspace_id = %(workspace)s AND t.insight_id <> s.insight
  GROUP BY s.insight, t.insight_id) found
WHERE place <= %(most)s
"""


def _ranked(
    subject: Row[Any], found: Mapping[str, _Found], others: Mapping[str, Row[Any]], resemblance: Resemblance, most: int
) -> list[Candidate]:
    best: dict[str, Candidate] = {}
    for other, sources in found.items():
        # One that is gone meanwhile, of another workspace, or in quarantine is not among them.
        row = others.get(other)
        if row is None or row.head == subject.head or not keys.same_question(subject.question, row.question):
            continue
        one = _candidate(subject, row, sources, resemblance)
        if row.head not in best or one.score > best[row.head].score:
            best[row.head] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.other))[:most]


def _candidate(subject: Row[Any], row: Row[Any], sources: _Found, resemblance: Resemblance) -> Candidate:
    kind: PairKind = "merge"
    if "shape" in sources.by:
        told = relation(form_of(subject.statement, subject.language), form_of(row.statement, row.language))
        kind = told if told in ("conflict", "over_time") else "merge"
    if kind != "merge":
        # Of this very wording: what it was merged into may be taken apart again.
        score = CONFLICT if kind == "conflict" else OVER_TIME
        return Candidate(subject.id, row.id, row.head, kind, "shape", score)
    of_other = traces.of(row.statement, row.language) if row.traces is None else row.traces
    score = sources.score(resemblance.to(of_other))
    return Candidate(subject.id, row.head, row.head, kind, sources.best, score)


# The statement of one pair is often that of the next.
@lru_cache(maxsize=1024)
def form_of(statement: str, language: str | None) -> Canonical:
    return canonical(statement, language)
