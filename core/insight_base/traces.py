"""By what statements are found, and how frequent that is: written when an insight is compared, forgotten with it.

Ingest writes none of this. Whoever raises resemblance.VERSION empties both tables in a migration and sets `compared` to
false: a pair that is there stays as it is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session

from core.runtime import db
from core.statements import resemblance
from core.statements.canonical import canonical

# Stands in every statement: their number.
EVERY = ""


# What is longer is no word, and what has more is no statement: an index takes neither.
LONGEST = 100
MOST = 100


def of(statement: str, language: str | None) -> tuple[str, ...]:
    found = [trace for trace in resemblance.traces(canonical(statement, language)) if len(trace) <= LONGEST]
    return tuple(sorted(found, key=len, reverse=True)[:MOST]) if len(found) > MOST else tuple(found)


def give(session: Session, most: int) -> int:
    """Write the traces of up to `most` insights that are to be compared. Returns how many.

    Commit before comparing: of two that are compared at the same time at least one must find the other.
    """
    # One that is being deleted is left for the next time.
    found = db.rows(session, WITHOUT, most=most)
    made = {row.id: (row.workspace_id, of(row.statement, row.language)) for row in found}
    written = db.columns(
        session,
        WRITE,
        insight=list(made),
        workspace=[workspace for workspace, _ in made.values()],
        # An array of arrays would have to be rectangular.
        traces=["\n".join(traces) for _, traces in made.values()],
    )
    _count(session, [made[row.insight_id] for row in written])
    return len(found)


WITHOUT = """
SELECT id, workspace_id, statement, language FROM insight WHERE id IN (
  SELECT i.id FROM insight i
  WHERE NOT i.compared AND NOT i.quarantined AND i.head_id IS NULL AND i.exact_key IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM statement_traces t WHERE t.insight_id = i.id)
  ORDER BY i.id LIMIT :most)
ORDER BY id FOR KEY SHARE SKIP LOCKED
"""
WRITE = """
INSERT INTO statement_traces (insight_id, workspace_id, traces)
SELECT insight, workspace, string_to_array(traces, chr(10))
FROM unnest(%(insight)s::text[], %(workspace)s::text[], %(traces)s::text[]) AS n(insight, workspace, traces)
ON CONFLICT DO NOTHING RETURNING insight_id
"""


def _count(session: Session, statements: Iterable[tuple[str, Sequence[str]]]) -> None:
    often = Counter((workspace, trace) for workspace, traces in statements for trace in (EVERY, *traces))
    # In one order: two that count the same words wait, and neither for the other.
    counted = sorted(often.items())
    db.columns(
        session,
        COUNT,
        workspace=[workspace for (workspace, _), _ in counted],
        word=[trace for (_, trace), _ in counted],
        statements=[n for _, n in counted],
    )


COUNT = """
INSERT INTO statement_word (workspace_id, word, statements)
SELECT * FROM unnest(%(workspace)s::text[], %(word)s::text[], %(statements)s::bigint[])
ON CONFLICT (workspace_id, word) DO UPDATE SET statements = statement_word.statements + excluded.statements
"""


def forget(session: Session, insight_ids: Sequence[str]) -> None:
    """Of insights that go. The caller has locked them."""
    if not insight_ids:
        return
    gone = db.rows(session, FORGET, ids=list(insight_ids))
    often = Counter((row.workspace_id, trace) for row in gone for trace in (EVERY, *row.traces))
    words = {"workspace": [workspace for workspace, _ in often], "word": [trace for _, trace in often]}
    if often:
        db.columns(session, LOCK, **words)
        db.columns(session, COUNT_DOWN, **words, statements=list(often.values()))


FORGET = "DELETE FROM statement_traces WHERE insight_id = ANY(:ids) RETURNING workspace_id, traces"
LOCK = """
SELECT 1 FROM statement_word WHERE (workspace_id, word) IN (
  SELECT workspace, word FROM unnest(%(workspace)s::text[], %(word)s::text[]) AS n(workspace, word))
ORDER BY workspace_id COLLATE "C", word COLLATE "C" FOR UPDATE
"""
COUNT_DOWN = """
WITH less AS (
  SELECT * FROM unnest(%(workspace)s::text[], %(word)s::text[], %(statements)s::bigint[]) AS n(workspace, word, n)
), gone AS (
  DELETE FROM statement_word w USING less l
  WHERE w.workspace_id = l.workspace AND w.word = l.word AND w.statements <= l.n
)
UPDATE statement_word w SET statements = w.statements - l.n FROM less l
WHERE w.workspace_id = l.workspace AND w.word = l.word AND w.statements > l.n
"""


def frequencies(session: Session, workspace_id: str, words: Iterable[str]) -> Mapping[str, int]:
    """In how many statements of the workspace each of these stands, those that stand in some; with EVERY."""
    given = [EVERY, *words]
    found = db.rows(session, FREQUENCIES, of=workspace_id, words=given)
    return {row.word: row.statements for row in found}


FREQUENCIES = "SELECT word, statements FROM statement_word WHERE workspace_id = :of AND word = ANY(:words)"
