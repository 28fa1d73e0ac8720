"""What resembles an insight, looked up at the moment: also what was settled, and what is not proposed for being too
unlike."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.insights import candidates, report
from core.insights.candidates import form_of
from core.insights.report import InsightRow
from core.runtime import db
from core.statements.differences import Difference, differences
from core.tables.insights import FoundBy

MOST = 100


@dataclass(frozen=True)
class Similar:
    """`differs`: the words, as the insight that was asked about (`a`) and this one (`b`) write them."""

    insight: InsightRow
    found_by: FoundBy
    score: float
    differs: tuple[Difference, ...]


def similar(insight_id: str, limit: int = 20) -> Sequence[Similar]:
    """Best first, heads only. Raises NotFound."""
    this = report.get(insight_id)
    with db.transaction() as session:
        found = candidates.of(session, db.workspace_of(session), [this.id], min(limit, MOST)).get(this.id, [])
    rows = report.get_all([one.head for one in found])
    form = form_of(this.statement, this.language)
    return [
        Similar(row, one.found_by, one.score, differences(form, form_of(row.statement, row.language)))
        for one, row in zip(found, rows, strict=True)
    ]
