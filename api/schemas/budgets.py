"""Budgets per month."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.shared import In, Money
from core.budgets.manage import BudgetSpec
from core.tables.budgets import OnLimit, Scope


class BudgetIn(In):
    """`key`: the workspace's or template's id, the name of the collection or provider, who the user is; none for
    `all`."""

    scope: Scope
    key: str = ""
    limit_usd: Decimal = Field(description="USD a month of the reporting zone", examples=["100.00"])
    warn_share: Decimal = Field(Decimal("0.8"), description="from this share of the limit on it is `warn`")
    on_limit: OnLimit = Field("warn", description="`wait`: jobs that do not fit are paused until there is room")

    def spec(self) -> BudgetSpec:
        return BudgetSpec(self.scope, self.key, self.limit_usd, self.warn_share, self.on_limit)


class BudgetOut(BaseModel):
    """`spent_usd` of the month, `held_usd` for jobs and texts that have not ended. `left_usd` may be below 0: what is
    in flight when a limit is reached ends and is booked. `waiting`: the jobs that wait for it."""

    id: str
    scope: Scope
    key: str
    limit_usd: Money
    warn_share: Money
    on_limit: OnLimit
    month: str
    spent_usd: Money
    held_usd: Money
    left_usd: Money
    unpriced: int
    state: Literal["ok", "warn", "reached"]
    waiting: list[str]
