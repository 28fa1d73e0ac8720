"""What would have cost less in the last days, each with its sum and where its records are. Read-only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import orjson

from core.jobs import batches_report
from core.money import pricing
from core.money.costs import Costs
from core.money.stretches import Stretch
from core.money.sums import Filters
from core.providers.usage import Usage
from core.runtime import db
from core.settings import provider_rows

Rule = Literal["batch", "asked_again", "unusable", "dear_tier", "uncached"]
DAYS = 30
# In USD: nothing below is worth a word.
LEAST = Decimal(1)
# Seconds; where no batch of a model was made here, what providers promise.
PROMISED_S = 86_400.0
DEARER = ("priority", "fast")
# Providers keep beginnings of this many tokens, and ours are looked for in so many requests of a job.
LEAST_SHARED, LOOKED_AT = 1_024, 12
CHARACTERS_OF_A_TOKEN = 4
HARDLY = Decimal("0.1")


@dataclass(frozen=True)
class Advice:
    """`saving_usd` of the last DAYS days, over `calls`. `filter`: of the costs that it is about; `jobs`: those it is
    about, the dearest first."""

    rule: Rule
    saving_usd: Decimal
    calls: int
    filter: Mapping[str, str]
    jobs: tuple[str, ...] = ()


def read(now: Costs) -> list[Advice]:
    """What saves most first."""
    since = now.as_of - timedelta(days=DAYS)
    found = [*_batches(now, since), *_asked_again(now, since), *_unusable(now, since), *_dear_tiers(now, since)]
    found += _uncached(now, since)
    return sorted((one for one in found if one.saving_usd >= LEAST), key=lambda one: -one.saving_usd)


def _batches(now: Costs, since: datetime) -> Iterator[Advice]:
    """Live jobs that nobody looked at before a batch would have been through."""
    saved, calls, jobs = Decimal(0), 0, []
    for job in db.rows(now.session, READ_LATE, since=since):
        if not provider_rows.can(job.provider).is_billed:
            continue
        took = batches_report.turnaround(job.provider, job.model)
        if job.waited_s < (took.p95 if took else PROMISED_S):
            continue
        live, batch = (
            pricing.of_calls(job.provider, job.model, job.calls, job.input_tokens, job.output_tokens, lane, now.as_of)
            for lane in ("live", "batch")
        )
        if live and batch is not None and batch < live:
            saved, calls = saved + job.cost_usd * (1 - batch / live), calls + job.calls
            jobs.append(job.id)
    if calls:
        yield Advice("batch", saved, calls, {"lane": "live"}, tuple(jobs[:10]))


# Of jobs that somebody has looked at: what nobody has read yet may be read in the next minute.
READ_LATE = """
SELECT j.id, j.provider, j.model, u.calls, u.input_tokens, u.output_tokens, u.cost_usd,
  extract(epoch FROM j.first_read_at - j.created_at)::float8 AS waited_s
FROM job j CROSS JOIN LATERAL (
  SELECT count(*)::int AS calls, sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
    sum(cost_usd) AS cost_usd
  FROM usage_record WHERE workspace_id = :workspace AND job_id = j.id AND lane = 'live' AND NOT reused AND cost_usd > 0
) u
WHERE j.workspace_id = :workspace AND j.lane = 'live' AND j.canary = 0 AND j.state = 'completed'
  AND j.finished_at >= :since AND j.first_read_at IS NOT NULL AND u.calls > 0
ORDER BY u.cost_usd DESC
"""


def _asked_again(now: Costs, since: datetime) -> Iterator[Advice]:
    """The same question billed again, by another request: all but the first."""
    found = db.row(now.session, ASKED_AGAIN, since=since)
    if found is not None and found.calls:
        yield Advice("asked_again", found.cost_usd, found.calls, {}, tuple(found.jobs))


ASKED_AGAIN = """
WITH billed AS (
  SELECT r.id, r.fingerprint, u.job_id, sum(u.cost_usd) AS cost, min(u.time) AS time
  FROM usage_record u JOIN request r ON r.id = u.request_id
  WHERE u.workspace_id = :workspace AND u.time >= :since AND NOT u.reused AND u.cost_usd > 0
  GROUP BY r.id, r.fingerprint, u.job_id
), numbered AS (
  SELECT job_id, cost, row_number() OVER (PARTITION BY fingerprint ORDER BY time, id) AS nth FROM billed
), again AS (SELECT job_id, cost FROM numbered WHERE nth > 1)
SELECT count(*)::int AS calls, coalesce(sum(cost), 0) AS cost_usd,
  ARRAY(SELECT job_id FROM again WHERE job_id IS NOT NULL GROUP BY 1 ORDER BY sum(cost) DESC, 1 LIMIT 10) AS jobs
FROM again
"""


def _unusable(now: Costs, since: datetime) -> Iterator[Advice]:
    """Answers that were refused, cut off, empty or broke their schema."""
    sums = now.total(Stretch(since, now.as_of), Filters(status=("unusable",)))
    if sums.calls:
        yield Advice("unusable", sums.cost_usd, sums.calls, {"status": "unusable"})


def _dear_tiers(now: Costs, since: datetime) -> Iterator[Advice]:
    """Against the standard tier."""
    for tier in DEARER:
        sums = now.total(Stretch(since, now.as_of), Filters(tier=(tier,)))
        if sums.listed:
            yield Advice("dear_tier", sums.cost_usd - sums.list_usd, sums.calls, {"tier": tier})


def _uncached(now: Costs, since: datetime) -> Iterator[Advice]:
    """Custom requests that begin alike and hardly read that from a cache. Templates put a mark of the document before
    the first 1,024 tokens, so theirs never do."""
    saved, calls, jobs = Decimal(0), 0, []
    for job in db.rows(now.session, OWN_JOBS, since=since, hardly=HARDLY):
        bodies = [_beginning(row.body) for row in db.rows(now.session, BODIES, job=job.id, some=LOOKED_AT)]
        shared = _alike(bodies) // CHARACTERS_OF_A_TOKEN
        if len(bodies) < LOOKED_AT or shared < LEAST_SHARED:
            continue
        read, cached = (
            pricing.price(job.provider, job.model, Usage(shared, kept, 0, 0), job.lane, now.as_of).cost
            for kept in (0, shared)
        )
        if read is not None and cached is not None and cached < read:
            saved, calls = saved + (read - cached) * (job.calls - 1), calls + job.calls
            jobs.append(job.id)
    if calls:
        yield Advice("uncached", saved, calls, {}, tuple(jobs[:10]))


OWN_JOBS = """
SELECT j.id, u.provider, u.model, u.lane, u.calls
FROM job j CROSS JOIN LATERAL (
  SELECT provider, model, lane, count(*)::int AS calls, sum(cached_input_tokens) AS cached, sum(input_tokens) AS read
  FROM usage_record WHERE workspace_id = :workspace AND job_id = j.id AND NOT reused AND cost_usd > 0 GROUP BY 1, 2, 3
) u
WHERE j.workspace_id = :workspace AND j.template_id IS NULL AND j.finished_at >= :since
  AND u.cached < u.read * CAST(:hardly AS numeric)
ORDER BY u.calls DESC LIMIT 50
"""
BODIES = """
SELECT b.body FROM request r JOIN request_body b ON b.request_id = r.id
WHERE r.job_id = (SELECT id FROM job WHERE id = :job AND workspace_id = :workspace) ORDER BY r.id LIMIT :some
"""


FIRST_READ = ("tools", "system", "instructions", "messages", "input")


def _beginning(body: Mapping[str, Any]) -> str:
    """What a provider reads first, in its order."""
    return "".join(orjson.dumps(body.get(part)).decode() for part in FIRST_READ)


def _alike(texts: Sequence[str]) -> int:
    """In how many characters from the beginning on all of them are the same: as the first and the last in order are."""
    low, high = min(texts, default=""), max(texts, default="")
    return next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
