"""Read-only: what is booked on a job, and in a month on what a condition says, out of the sums and their deltas.

Each is one statement's part: what is being folded is in one of both.
"""

_COUNTED = "cost_usd, calls - unpriced AS calls, unpriced"
_EDITION = "(SELECT edition FROM sums_edition)"
# Of job j: USD, calls with a known price, and those without one.
OF_JOB = f"""(
  SELECT coalesce(sum(v.cost_usd), 0) AS usd, coalesce(sum(v.calls), 0)::bigint AS calls,
    coalesce(sum(v.unpriced), 0)::bigint AS unpriced
  FROM (SELECT {_COUNTED} FROM usage_sum WHERE edition = {_EDITION} AND job_id = j.id
    UNION ALL SELECT {_COUNTED} FROM usage_delta WHERE job_id = j.id) v)"""


def in_month(condition: str) -> str:
    """USD and unpriced calls of what fits the condition on u, from :first to before :last, days of the reporting zone
    that are :start to before :stop."""
    keys = 'workspace_id, "user", template_id, collection, provider'
    return f"""(
  SELECT coalesce(sum(u.cost_usd), 0) AS usd, coalesce(sum(u.unpriced), 0)::bigint AS unpriced
  FROM (SELECT {keys}, cost_usd, unpriced FROM usage_sum WHERE edition = {_EDITION}
      AND zone_day >= :first AND zone_day < :last
      AND day >= CAST(:first AS date) - 1 AND day < CAST(:last AS date) + 1
    UNION ALL SELECT {keys}, cost_usd, unpriced FROM usage_delta WHERE quarter >= :start AND quarter < :stop) u
  WHERE {condition})"""
