"""Make, change and delete budgets."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from core.access import audit
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.text import bounded
from core.settings import provider_rows
from core.tables.budgets import Budget, OnLimit, Scope

MOST_USD = Decimal(100_000_000)
# The other scopes name a row of a table, by its id or its name.
THERE = {
    "workspace": "SELECT 1 FROM workspace WHERE id = :key AND id = :workspace",
    "template": "SELECT 1 FROM template WHERE id = :key AND (built_in OR workspace_id = :workspace)",
    "collection": "SELECT 1 FROM collection WHERE name = :key AND workspace_id = :workspace",
}


@dataclass(frozen=True)
class BudgetSpec:
    """`key`: the workspace's or template's id, the collection's or provider's name, who the user is; "" for `all`."""

    scope: Scope
    key: str
    limit_usd: Decimal
    warn_share: Decimal = Decimal("0.8")
    on_limit: OnLimit = "warn"


def create(spec: BudgetSpec) -> str:
    """Returns its id. Raises InvalidInput, NotFound for a key that names nothing, Conflict if there is one like it."""
    _require(spec.scope)
    with db.transaction() as session:
        _check(session, spec)
        budget_id = new_id("bud")
        if not db.execute(session, CREATE, id=budget_id, **_values(spec)):
            raise Conflict("There is a budget for this already. Change that one.")
        audit.write(session, "budget.change", "budget", budget_id, after=_told(spec))
        return budget_id


CREATE = """
INSERT INTO budget (id, workspace_id, scope, key, limit_usd, warn_share, on_limit)
VALUES (:id, :workspace, :scope, :key, :limit_usd, :warn_share, :on_limit) ON CONFLICT DO NOTHING
"""


def change(budget_id: str, spec: BudgetSpec) -> None:
    """Raises NotFound, InvalidInput or Conflict as `create` does."""
    with db.transaction() as session:
        budget = _locked(session, budget_id)
        _require(spec.scope)
        _check(session, spec)
        like = db.scalar(session, LIKE, scope=spec.scope, key=spec.key, id=budget_id)
        if like:
            raise Conflict("There is a budget for this already. Change that one.")
        before = _told(_spec(budget))
        for name, value in _values(spec).items():
            setattr(budget, name, value)
        audit.write(session, "budget.change", "budget", budget_id, before=before, after=_told(spec))


LIKE = "SELECT 1 FROM budget WHERE workspace_id = :workspace AND scope = :scope AND key = :key AND id <> :id"


def delete(budget_id: str) -> None:
    """Jobs that wait for it go on at the next tick. Raises NotFound."""
    with db.transaction() as session:
        budget = _locked(session, budget_id)
        audit.write(session, "budget.change", "budget", budget_id, before=_told(_spec(budget)))
        session.delete(budget)


def _require(scope: str) -> None:
    require("budget.change_machine" if scope == "all" else "budget.change")


def _locked(session: Session, budget_id: str) -> Budget:
    budget = db.within(session, Budget, budget_id, lock="update")
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}. It may have been deleted.")
    return budget


def _check(session: Session, spec: BudgetSpec) -> None:
    if not (spec.limit_usd.is_finite() and 0 <= spec.limit_usd <= MOST_USD):
        raise InvalidInput(f"limit_usd is an amount from 0 to {MOST_USD:,} USD.")
    if not (spec.warn_share.is_finite() and 0 <= spec.warn_share <= 1):
        raise InvalidInput("warn_share is the share of the limit from which on it is shown: 0 to 1.")
    bounded(spec.key, "key", 300)
    if spec.scope == "all":
        if spec.key:
            raise InvalidInput("The budget of everything has no key: leave it out.")
        return
    if not spec.key.strip():
        raise InvalidInput(f"Say which {spec.scope} the budget is for: its key.")
    if spec.scope == "provider":
        known = provider_rows.exists(spec.key)
    else:
        known = spec.scope == "user" or db.scalar(session, THERE[spec.scope], key=spec.key) is not None
    if not known:
        raise NotFound(f"There is no {spec.scope} {spec.key!r}.")


def _values(spec: BudgetSpec) -> dict[str, Any]:
    return {
        "scope": spec.scope,
        "key": spec.key,
        "limit_usd": spec.limit_usd,
        "warn_share": spec.warn_share,
        "on_limit": spec.on_limit,
    }


def _spec(budget: Budget) -> BudgetSpec:
    return BudgetSpec(budget.scope, budget.key, budget.limit_usd, budget.warn_share, budget.on_limit)  # type: ignore[arg-type]


def _told(spec: BudgetSpec) -> dict[str, str]:
    return {name: str(value) for name, value in _values(spec).items()}
