"""Budgets with what is taken of them and who waits for them. Read-only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.budgets import taken
from core.budgets.taken import Taken
from core.errors import NotFound
from core.runtime import db

State = Literal["ok", "warn", "reached"]


@dataclass(frozen=True)
class BudgetRow:
    """`month` such as 2026-11. `waiting`: ids of the jobs that wait for it."""

    taken: Taken
    month: str
    waiting: tuple[str, ...]

    @property
    def state(self) -> State:
        used = self.taken.spent_usd + self.taken.held_usd
        if used >= self.taken.limit_usd:
            return "reached"
        return "warn" if used >= self.taken.limit_usd * self.taken.warn_share else "ok"


def every(at: datetime) -> list[BudgetRow]:
    """Those that this workspace made, in the order they were made."""
    with db.reading() as session:
        ids = [row.id for row in db.rows(session, "SELECT id FROM budget WHERE workspace_id = :workspace ORDER BY id")]
        found = taken.read(session, ids, at) if ids else []
        waiting = {row.budget: tuple(row.jobs) for row in db.rows(session, WAITING)} if ids else {}
        month = taken.current_month(session, at).name
    return [BudgetRow(one, month, waiting.get(one.id, ())) for one in found]


WAITING = """
SELECT waits_for ->> 'budget' AS budget, array_agg(id ORDER BY id) AS jobs FROM job
WHERE workspace_id = :workspace AND state = 'paused' AND waits_for ->> 'kind' = 'budget' GROUP BY 1
"""


def get(budget_id: str, at: datetime) -> BudgetRow:
    """Raises NotFound."""
    for row in every(at):
        if row.taken.id == budget_id:
            return row
    raise NotFound(f"There is no budget {budget_id}. It may have been deleted.")
