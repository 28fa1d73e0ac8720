"""Read-only: how often answers were reused, and how much money that saved."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.requests.reuse import OURS, REUSABLE
from core.runtime import db


@dataclass(frozen=True)
class Reuse:
    """`answers` can be reused now; all answers take `bytes`. `hits` were reused, `misses` were asked for.

    `saved_usd` sums what the reused answers had cost; `saved_unpriced` of the hits have no known price.
    """

    answers: int
    bytes: int
    hits: int
    misses: int
    saved_usd: Decimal
    saved_unpriced: int

    @property
    def hit_rate(self) -> float | None:
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


def read(since: datetime) -> Reuse:
    with db.reading() as session:
        found = db.row(session, SQL, since=since)
    assert found is not None
    return Reuse(**found._mapping)


SQL = f"""
SELECT (SELECT count(*) FROM response s WHERE {REUSABLE} AND {OURS}) AS answers,
  pg_total_relation_size('response') AS bytes,
  count(*) FILTER (WHERE reused) AS hits, count(*) FILTER (WHERE NOT reused) AS misses,
  coalesce(sum(saved_usd), 0) AS saved_usd, count(*) FILTER (WHERE reused AND saved_usd IS NULL) AS saved_unpriced
FROM usage_record WHERE workspace_id = :workspace AND time >= :since AND status IN ('ok', 'unusable')
"""
