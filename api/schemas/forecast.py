"""The forecast of a month, and unusual days."""

import datetime

from pydantic import BaseModel, ConfigDict

from api.schemas.shared import Money


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RangeOut(Out):
    p10: Money
    p50: Money
    p90: Money


class ForecastOut(Out):
    """`booked_usd` so far, `held_usd` for jobs that have not ended. `expected_usd`: at the end of the month."""

    month: str
    booked_usd: Money
    held_usd: Money
    expected_usd: RangeOut | None
    days_of_history: int


class JobShareOut(Out):
    id: str
    name: str
    cost_usd: Money


class AnomalyOut(Out):
    """`of`: template, model or user, and `key` which one."""

    day: datetime.date
    of: str
    key: str
    cost_usd: Money
    usual_usd: Money
    limit_usd: Money
    jobs: list[JobShareOut]


class AdviceOut(Out):
    rule: str
    words: str
    saving_usd: Money
    calls: int
    filter: dict[str, str]
    jobs: list[str]
