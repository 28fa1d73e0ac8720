"""Read-only: what became of the pairs of a judge's job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, place
from core.tables.insights import Verdict
from core.tables.judging import Outcome

# `waiting`: not answered yet, or its request failed. `taken_back`: settled, and opened again since.
Became = Literal[Outcome, "waiting", "taken_back"]
BECAME: tuple[Became, ...] = (*get_args(Outcome), "taken_back", "waiting")


@dataclass(frozen=True)
class JudgedRow:
    """`a`, `b`: the heads as they were asked; a statement is None once it is deleted. `verdict`, `grounds`: what the
    model said of `a`, also where nothing came of it."""

    pair: str
    a: str
    b: str
    a_statement: str | None
    b_statement: str | None
    became: Became
    verdict: Verdict | None
    grounds: list[str] | None


@dataclass(frozen=True)
class Sum:
    """How many pairs became what, and of the settled ones, how many are settled as what."""

    became: Mapping[Became, int]
    verdicts: Mapping[Verdict, int]

    @property
    def pairs(self) -> int:
        return sum(self.became.values())

    @property
    def settled(self) -> int:
        return self.became.get("settled", 0)


BECAME_SQL = """
CASE WHEN q.outcome IS NULL THEN 'waiting'
  WHEN q.outcome = 'settled' AND NOT EXISTS (SELECT 1 FROM pair p WHERE p.id = q.pair_id
      AND p.judged_in = r.job_id AND p.workspace_id = :workspace)
    THEN 'taken_back' ELSE q.outcome END
"""
OF_JOB = "judged_pair q JOIN request r ON r.id = q.request_id AND q.workspace_id = :workspace"
SUM = f"""
SELECT became, verdict, count(*) AS number FROM (
  SELECT {BECAME_SQL} AS became, q.verdict FROM {OF_JOB} WHERE r.job_id = :job
) told GROUP BY became, verdict
"""


def sum_up(job_id: str) -> Sum:
    """Nothing for another job."""
    with db.reading() as session:
        found = db.rows(session, SUM, job=job_id)
    became: dict[Became, int] = {}
    verdicts: dict[Verdict, int] = {}
    for row in found:
        became[row.became] = became.get(row.became, 0) + row.number
        if row.became == "settled":
            verdicts[row.verdict] = row.number
    return Sum(became, verdicts)


def pairs(job_id: str, *, became: Became | None = None, limit: int = 100, cursor: str | None = None) -> Page[JudgedRow]:
    """In the order in which they were asked."""
    checked_limit(limit)
    after = place(cursor, "judged")
    with db.reading() as session:
        found = db.rows(session, PAIRS, job=job_id, became=became, after=after, limit=limit + 1)
    page = cut(found, limit, "judged", [row.place for row in found])
    names = ("pair", "a", "b", "a_statement", "b_statement", "became", "verdict", "grounds")
    return Page(
        tuple(JudgedRow(**{name: getattr(row, name) for name in names}) for row in page.items), page.next_cursor
    )


PAIRS = f"""
SELECT * FROM (
  SELECT lpad(q.request_id::text, 20, '0') || lpad(q.number::text, 4, '0') AS place, q.pair_id AS pair, q.a, q.b,
    a.statement AS a_statement, b.statement AS b_statement, {BECAME_SQL} AS became, q.verdict, q.grounds
  FROM {OF_JOB} LEFT JOIN insight a ON a.id = q.a LEFT JOIN insight b ON b.id = q.b
  WHERE r.job_id = :job
) told
WHERE (CAST(:became AS text) IS NULL OR became = :became) AND (CAST(:after AS text) IS NULL OR place > :after)
ORDER BY place LIMIT :limit
"""
