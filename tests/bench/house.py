"""A small database as people have it after some days, and the pages as they open them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from core.health import sampling
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.runtime import db, worker_lease
from tests.pages import made
from tests.pipeline import TEXT, add_document, run_job

DOCUMENTS = 60


def make() -> dict[str, tuple[str, Mapping[str, str]]]:
    """The address of each page, and what stands in its link."""
    worker_lease.register("bench")
    documents = [
        add_document(f"{TEXT} Plant {number} reported it.", f"report-{number}.txt", f"plants-{number % 3}")
        for number in range(DOCUMENTS)
    ]
    jobs = []
    for template in ("key_points", "summarize", "sentiment"):
        jobs.append(launch.create(JobSpec(template, "offline", documents=tuple(documents)), datetime.now(UTC)))
        run_job(jobs[-1])
    for state in ("paused", "running", "completed", "cancelled"):
        job = made.job(state, lane="live")
        made.requests(job, "failed", 3)
        made.requests(job, "pending", 27)
    with db.transaction() as session:
        db.execute(session, USED)
        db.execute(session, BREAKERS)
        db.execute(session, ALIKE)
    sampling.take(datetime.now(UTC), well=True)
    with db.transaction() as session:
        db.execute(session, SAMPLED)
        insight = str(db.scalar(session, "SELECT max(id) FROM insight WHERE workspace_id = :workspace"))
    return {
        "overview": ("overview", {}),
        "documents": ("documents", {}),
        "document": ("document", {"id": documents[0]}),
        "analyse": ("analyse", {}),
        "jobs": ("jobs", {}),
        "job": ("job", {"id": jobs[0]}),
        "insights": ("insights", {}),
        "insight": ("insight", {"id": insight}),
        "matrix": ("matrix", {"template": "key_points"}),
        "review": ("review", {}),
        "templates": ("templates", {}),
        "costs": ("costs", {}),
        "health": ("health", {}),
        "settings": ("settings", {}),
        "custom requests": ("own_requests", {}),
    }


# Something to review.
ALIKE = """
INSERT INTO pair (id, workspace_id, first, second, kind, found_by, score)
SELECT 'pair_1', :workspace, min(id), max(id), 'merge', 'shape', 1 FROM insight
"""
# Calls of the last twenty days with two models.
USED = """
INSERT INTO usage_record (workspace_id, job_id, provider, model, lane, priced, status, time, cost_usd, input_tokens,
  output_tokens, latency_ms)
SELECT :workspace, (SELECT min(id) FROM job), 'openai', 'gpt-5.6-' || (ARRAY['luna', 'sol'])[n % 2 + 1], 'live', true,
  'ok', now() - n * interval '1 hour', 0.001 * (n % 7), 1000 + n, 100 + n, 800 + n
FROM generate_series(1, 480) n
"""
BREAKERS = """
INSERT INTO breaker (provider, model, state) VALUES ('openai', 'gpt-5.6-luna', 'closed')
"""
# The one sample of each component, every five minutes of a day.
SAMPLED = """
INSERT INTO health_sample (component, time, healthy, message, figures)
SELECT component, time - n * interval '5 minutes', healthy, message, figures
FROM health_sample, generate_series(1, 288) n
"""
