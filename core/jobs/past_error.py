"""How far the estimates of jobs like one were from what they cost. Read-only."""

from dataclasses import dataclass
from decimal import Decimal

from core.money import booked
from core.runtime import db

LEAST_JOBS, MOST_JOBS = 3, 50


@dataclass(frozen=True)
class PastError:
    """Of `jobs` completed ones, half were at most the share `p50` away from their estimate, nine of ten `p90`."""

    jobs: int
    p50: Decimal
    p90: Decimal


def read(template: str | None, provider: str, model: str) -> PastError | None:
    """None with fewer than LEAST_JOBS."""
    with db.reading() as session:
        found = db.row(session, ERRORS, template=template, provider=provider, model=model, most=MOST_JOBS)
    if found is None or found.jobs < LEAST_JOBS:
        return None
    p50, p90 = (Decimal(f"{share:.3f}") for share in (found.p50, found.p90))
    return PastError(found.jobs, p50, p90)


# Without those that had failures, or went on with another model: they did not ask what was estimated.
ERRORS = f"""
SELECT count(*)::int AS jobs, percentile_cont(0.5) WITHIN GROUP (ORDER BY error) AS p50,
  percentile_cont(0.9) WITHIN GROUP (ORDER BY error) AS p90
FROM (
  SELECT abs(of_job.usd / j.estimate_usd - 1)::float8 AS error
  FROM job j CROSS JOIN LATERAL {booked.OF_JOB} of_job
  WHERE j.workspace_id = :workspace AND j.template_id = :template AND j.provider = :provider AND j.model = :model
    AND j.state = 'completed' AND j.estimate_usd > 0 AND j.former IS NULL AND of_job.unpriced = 0
    AND NOT EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state <> 'succeeded')
  ORDER BY j.id DESC LIMIT :most
) past
"""
