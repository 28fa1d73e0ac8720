"""How many tokens an answer usually has: as such answers of this very model were, once there are some."""

import orjson
from sqlmodel import Session

from core.asking.prompts import Asking
from core.providers.sampling import as_json
from core.runtime import db

LEAST_ANSWERS = 20
# The newest jobs like this, and of each so many answers.
JOBS, OF_EACH = 10, 50


def usual(session: Session, asking: Asking, provider: str, model: str) -> int:
    """The median of the workspace's answers to the same template version, parameters and sampling; with fewer than
    LEAST_ANSWERS what such answers take as a rule."""
    found = db.row(
        session,
        MEDIAN,
        template=asking.template_id,
        version=asking.version,
        params=orjson.dumps(dict(asking.params)).decode(),
        sampling=None if (set_ := as_json(asking.sampling)) is None else orjson.dumps(set_).decode(),
        provider=provider,
        model=model,
        jobs=JOBS,
        of_each=OF_EACH,
    )
    if found is None or found.answers < LEAST_ANSWERS:
        return asking.expected_output_tokens
    return max(1, int(found.median))


# By the index of a job's usage records. An answer about a part of a document counts like one about a whole.
MEDIAN = """
SELECT count(*) AS answers, percentile_cont(0.5) WITHIN GROUP (ORDER BY u.output_tokens) AS median
FROM (
  SELECT id FROM job WHERE workspace_id = :workspace AND template_id = :template AND template_version = :version
    AND params = CAST(:params AS jsonb) AND sampling IS NOT DISTINCT FROM CAST(:sampling AS jsonb)
    AND provider = :provider AND model = :model AND state NOT IN ('draft', 'queued')
  ORDER BY id DESC LIMIT :jobs
) j CROSS JOIN LATERAL (
  SELECT output_tokens FROM usage_record
  WHERE workspace_id = :workspace AND job_id = j.id AND NOT reused AND status = 'ok' LIMIT :of_each
) u
"""
