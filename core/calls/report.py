"""Read-only: how calls of each model went lately (breaker, errors, latency, headroom), and what providers have left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.calls import rate_limits
from core.calls.rate_limits import CURRENT_LEVEL_SQL
from core.runtime import db
from core.tables.jobs import MOVABLE, in_sql

LATELY = timedelta(minutes=10)


@dataclass(frozen=True)
class ModelRow:
    """`answered`, `failed` and `latencies` (a histogram, see `statistics.PLACES`) are of the last ten minutes.

    `headroom`: of all its rate limits, the smallest share that is left, 0 to 1; None if no limit is known.
    """

    provider: str
    model: str
    breaker: str
    by_hand: bool
    changed_at: datetime | None
    retry_at: datetime | None
    answered: int
    failed: int
    latencies: tuple[int, ...]
    headroom: float | None
    blocked_until: datetime | None

    @property
    def calls(self) -> int:
        return self.answered + self.failed


def quantile_ms(latencies: Sequence[int], share: float) -> float | None:
    """The latency in ms that this share (0 to 1) of answers stayed under; None without answers. Within a place of the
    histogram, answers are taken as spread evenly."""
    wanted = share * sum(latencies)
    if not wanted:
        return None
    before = 0
    for place, number in enumerate(latencies):
        if before + number >= wanted:
            least, most = _bounds(place)
            return least + (most - least) * (wanted - before) / number
        before += number
    raise AssertionError("a share is at most 1")


def _bounds(place: int) -> tuple[float, float]:
    return (0.0, 1.0) if place == 0 else (2.0 ** (place - 1), 2.0**place)


def added(many: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Several histograms as one."""
    longest = max((len(one) for one in many), default=0)
    return tuple(sum(one[place] for one in many if place < len(one)) for place in range(longest))


def models() -> list[ModelRow]:
    """Every model that was called lately, or that has a breaker that is not closed or a known limit."""
    with db.reading(everywhere=True) as session:
        found = db.rows(session, MODELS, lately=LATELY, **rate_limits.caps_for_all())
    return [ModelRow(**{**row._mapping, "latencies": tuple(row.latencies)}) for row in found]


MODELS = f"""
WITH minutes AS MATERIALIZED (
  SELECT * FROM call_minute WHERE minute > now() - CAST(:lately AS interval)
), called AS (
  SELECT provider, model, sum(answered)::int AS answered, sum(failed)::int AS failed FROM minutes GROUP BY 1, 2
), places AS (
  SELECT provider, model, place, sum(number)::int AS number
  FROM minutes, unnest(latencies) WITH ORDINALITY AS t(number, place) GROUP BY 1, 2, 3
), spread AS (
  SELECT provider, model, array_agg(number ORDER BY place) AS latencies FROM places GROUP BY 1, 2
), room AS (
  SELECT l.provider, l.model, max(blocked_until) AS blocked_until,
    min(level / most) FILTER (WHERE NOT starting) AS headroom
  FROM rate_limit l {CURRENT_LEVEL_SQL} GROUP BY 1, 2
)
SELECT provider, model, coalesce(b.state, 'closed') AS breaker, coalesce(b.by_hand, false) AS by_hand, b.changed_at,
  b.retry_at, coalesce(c.answered, 0) AS answered, coalesce(c.failed, 0) AS failed,
  coalesce(s.latencies, '{{}}') AS latencies, CASE WHEN headroom IS NOT NULL THEN greatest(0, headroom) END AS headroom,
  CASE WHEN blocked_until > now() THEN blocked_until END AS blocked_until
FROM called c FULL JOIN breaker b USING (provider, model) FULL JOIN room USING (provider, model)
LEFT JOIN spread s USING (provider, model)
WHERE c.provider IS NOT NULL OR b.state <> 'closed' OR headroom IS NOT NULL OR blocked_until > now()
ORDER BY provider, model
"""


@dataclass(frozen=True)
class LimitRow:
    """Requests or tokens, by `kind`. `a_minute`: the limit that the provider reported, None if only a cap is known;
    `may`: the lower of limit and cap; `left` of that now."""

    provider: str
    model: str
    kind: str
    a_minute: int | None
    may: float
    left: float


def known_limits() -> list[LimitRow]:
    with db.reading(everywhere=True) as session:
        found = db.rows(session, LIMITS, **rate_limits.caps_for_all())
    return [LimitRow(**row._mapping) for row in found]


LIMITS = f"""
SELECT l.provider, l.model, l.kind, l.a_minute, most AS may, greatest(0, level) AS left
FROM rate_limit l {CURRENT_LEVEL_SQL} WHERE most IS NOT NULL AND NOT starting
ORDER BY l.provider, l.model, array_position(ARRAY['requests', 'tokens', 'input_tokens', 'output_tokens'], l.kind)
"""


def last_successes() -> dict[str, datetime]:
    """When each provider last answered; only those that did within a day."""
    with db.reading(everywhere=True) as session:
        return {row.provider: row.time for row in db.rows(session, LAST_SUCCESSES)}


LAST_SUCCESSES = """
SELECT provider, max(time) AS time FROM usage_record
WHERE time > now() - interval '1 day' AND status = 'ok' AND NOT reused GROUP BY provider
"""


def under_way(provider: str) -> tuple[int, int]:
    """(jobs that have not ended, provider batches whose results are not stored yet)."""
    with db.reading(everywhere=True) as session:
        found = db.row(session, UNDER_WAY, provider=provider)
    assert found is not None
    return found.jobs, found.batches


UNDER_WAY = f"""
SELECT (SELECT count(*)::int FROM job WHERE provider = :provider AND state IN {in_sql(MOVABLE)}) AS jobs,
  (SELECT count(*)::int FROM provider_batch WHERE provider = :provider AND next_at IS NOT NULL) AS batches
"""
