"""Figures over all jobs, for programs."""

from typing import Any

from core.money import costs
from core.money.sums import Sums
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
    with costs.reading() as now:
        by_day = now.table(["day"])
    total = by_day.total
    return {
        "jobs": jobs,
        "requests": requests,
        "success_share": requests.get("succeeded", 0) / ended if ended else None,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cost_usd": _money(total),
        "unpriced": total.unpriced,
        "by_day": [
            {
                "day": day.keys[0],
                "calls": day.sums.calls,
                "input_tokens": day.sums.input_tokens,
                "output_tokens": day.sums.output_tokens,
                "cost_usd": _money(day.sums),
            }
            for day in by_day.rows
        ],
    }


def _money(sums: Sums) -> str | None:
    return None if sums.spent is None else f"{sums.spent.normalize():f}"
