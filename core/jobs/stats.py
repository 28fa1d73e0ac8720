"""Figures over all jobs, for programs."""

from decimal import Decimal
from typing import Any

from core.money import costs
from core.runtime import db


def overview() -> dict[str, Any]:
    """Jobs and requests by state, the share of ended requests that succeeded (0 to 1, None without any), tokens and USD
    in all and by day."""
    with db.transaction() as session:
        of_jobs = "SELECT state, count(*) AS n FROM job WHERE workspace_id = :workspace GROUP BY state"
        jobs = {row.state: row.n for row in db.rows(session, of_jobs)}
        sql = """SELECT CASE r.state WHEN 'answered' THEN 'in_flight' ELSE r.state END AS state, count(*) AS n
                 FROM request r JOIN job j ON j.id = r.job_id WHERE j.workspace_id = :workspace GROUP BY 1"""
        requests = {row.state: row.n for row in db.rows(session, sql)}
    ended = requests.get("succeeded", 0) + requests.get("failed", 0)
    total = costs.total()
    return {
        "jobs": jobs,
        "requests": requests,
        "success_share": requests.get("succeeded", 0) / ended if ended else None,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cost_usd": _money(total.cost_usd, total.unpriced),
        "unpriced": total.unpriced,
        "by_day": [
            {
                "day": day.key,
                "calls": day.calls,
                "input_tokens": day.input_tokens,
                "output_tokens": day.output_tokens,
                "cost_usd": _money(day.cost_usd, day.unpriced),
            }
            for day in costs.sums("day")
        ],
    }


def _money(cost: Decimal, unpriced: int) -> str | None:
    """None, not 0, if no call could be priced."""
    return None if unpriced and not cost else f"{cost.normalize():f}"
