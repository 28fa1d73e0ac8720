"""Whether a job that is not made yet would fit its budgets. Nothing is reserved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.access import actor
from core.budgets import taken
from core.budgets.scopes import applies
from core.budgets.taken import Taken
from core.runtime import db


@dataclass(frozen=True)
class Fit:
    """What a budget has left for a job, and whether the job may start at once."""

    id: str
    left_usd: Decimal
    fits: bool


def counting(
    provider: str, template: str | None, collection: str | None, documents: Sequence[str] | None, at: datetime
) -> list[Taken]:
    """The budgets that count a job of the current actor over a collection or documents, by their ids."""
    whose = {"provider": provider, "template": template, "user": actor.current(), "name": collection}
    with db.reading(everywhere=True) as session:
        found = db.rows(session, COUNTING, **whose, documents=list(documents or ()))
        return taken.read(session, [row.id for row in found], at) if found else []


COUNTING = f"""
SELECT b.id FROM budget b, (SELECT array_agg(DISTINCT c.name) AS names FROM collection c
  WHERE c.workspace_id = :workspace AND (c.name = CAST(:name AS text)
    OR c.id IN (SELECT collection_id FROM document WHERE id = ANY(:documents) AND workspace_id = :workspace))) its
WHERE {applies(":workspace", ":user", "CAST(:template AS text)", "its.names", ":provider")}
"""


def fits(budgets: Sequence[Taken], cost: Decimal | None) -> list[Fit]:
    """`cost` in USD; None: not known."""

    def may(one: Taken) -> bool:
        return one.on_limit == "warn" or cost == 0 or (cost is not None and cost <= one.left_usd)

    return [Fit(one.id, one.left_usd, may(one)) for one in budgets]
