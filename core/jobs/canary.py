"""What a job's canary cost, and an estimate of the rest from it. Read-only."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.money import pricing
from core.runtime import db


@dataclass(frozen=True)
class Canary:
    """`asked` requests went first, `rest` are held. Costs in USD, None without a known price.

    `rest_usd` is estimated from the tokens of the first answers. `measured` is False if all of those were reused: then
    there is nothing to estimate from.
    """

    asked: int
    cost_usd: Decimal | None
    rest: int
    rest_usd: Decimal | None
    measured: bool


def read(job_id: str, at: datetime) -> Canary:
    with db.reading() as session:
        found = db.row(session, SQL, job=job_id)
    assert found is not None
    rest_usd = None
    if found.calls:
        # The expected tokens come from OpenAI's tokenizer. Another provider's counts differ by a constant share.
        input_tokens = int(found.rest_tokens * found.input_tokens / max(found.expected_tokens, 1))
        output_tokens = int(found.rest * found.output_tokens / found.calls)
        rest_usd = pricing.of_calls(
            found.provider, found.model, found.rest, input_tokens, output_tokens, found.lane, at
        )
    return Canary(found.asked, found.cost_usd, found.rest, rest_usd, measured=bool(found.calls))


SQL = """
WITH mine AS (SELECT id, state, input_tokens FROM request WHERE job_id = :job), billed AS (
  SELECT request_id, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd,
    bool_and(priced) AS priced
  FROM usage_record WHERE job_id = :job AND NOT reused AND request_id IS NOT NULL GROUP BY request_id
)
SELECT j.provider, j.model, j.lane, count(*) FILTER (WHERE m.state <> 'held') AS asked,
  count(*) FILTER (WHERE m.state = 'held') AS rest,
  coalesce(sum(m.input_tokens) FILTER (WHERE m.state = 'held'), 0)::bigint AS rest_tokens,
  count(b.request_id) AS calls, coalesce(sum(m.input_tokens) FILTER (WHERE b.request_id IS NOT NULL), 0)::bigint
    AS expected_tokens,
  coalesce(sum(b.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(b.output_tokens), 0)::bigint AS output_tokens,
  CASE WHEN coalesce(bool_and(b.priced), true) THEN coalesce(sum(b.cost_usd), 0) END AS cost_usd
FROM job j LEFT JOIN mine m ON true LEFT JOIN billed b ON b.request_id = m.id
WHERE j.id = :job AND j.workspace_id = :workspace GROUP BY j.id
"""
