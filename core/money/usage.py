"""Usage records of reused answers: what they would have cost."""

import json

from core.money.pricing import Price

# What the answer that request r reuses had cost. With a merged one its parts are saved, too, unless r has its own.
SAVED = """(
  WITH RECURSIVE asked AS (
    SELECT s.request_id AS id FROM response s WHERE s.id = r.response_id
    UNION SELECT part.id FROM asked JOIN request part ON part.merge_id = asked.id
      WHERE NOT EXISTS (SELECT 1 FROM request own WHERE own.merge_id = r.id)
  )
  SELECT CASE WHEN bool_and(u.priced) THEN sum(u.cost_usd) END
  FROM asked JOIN usage_record u ON u.request_id = asked.id AND NOT u.reused
)"""

REUSED_RECORDS = f"""
INSERT INTO usage_record (job_id, request_id, template_id, provider, model, lane, cost_usd, priced, reused, status,
  saved_usd)
SELECT j.id, r.id, j.template_id, j.provider, coalesce(r.model, j.model), r.lane, 0, true, true, 'ok', {SAVED}
FROM request r JOIN job j ON j.id = r.job_id WHERE r.id = ANY(:ids)
"""


def price_json(price: Price) -> str:
    return json.dumps({"rates": price.rates, "note": price.note}, default=str)
