"""Script runs of every page over a small, real database, beside a trivial page: `python -m tests.bench.pages`.

CPU seconds of the thread that runs the script decide: they do not tell what else the machine does. `wall` has the
statements in it, too. The frame's part measures the same pages while they are empty.
"""

import gc
import logging
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from streamlit.testing.v1 import AppTest

from core.asking import templates
from core.health import sampling
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.runtime import db, engines, migrate, worker_lease
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench.measuring import p50_p95_ms
from tests.pages import made
from tests.pages.seeing import opened
from tests.pipeline import TEXT, add_document, run_job

RUNS = 40
DOCUMENTS = 60
# The goal: so many times a trivial page.
GOAL = 3


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    engines.configure(postgres.start())
    try:
        migrate.upgrade()
        templates.sync_built_ins()
        return compared(house())
    finally:
        engines.engine().dispose()
        postgres.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def house() -> dict[str, tuple[str, Mapping[str, str]]]:
    """A small database as people have it after some days; the pages as they open them."""
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


def compared(opened_at: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, dict[str, Any]]:
    """The pages, each with what stands in its link, in the database that is there."""
    # As web does once it is up: without it a full collection walks over every import at some run or other.
    gc.collect()
    gc.freeze()
    trivial = Runs(AppTest.from_string("import streamlit as st\nst.title('trivial')"))
    rows = {"trivial page": trivial.row(trivial)}
    return rows | {name: Runs(opened(page, **link)).row(trivial) for name, (page, link) in opened_at.items()}


class Runs:
    """Script runs of one page, after a first one. AppTest runs the script in a thread of this process and reads what
    it sent in another one, which is not measured."""

    def __init__(self, at: AppTest):
        at.run()
        # A page that only says what went wrong is quick.
        assert not at.exception
        assert not at.error, [error.value for error in at.error]
        self.wall, self.cpu = [], []
        for _ in range(RUNS):
            wall, cpu = time.perf_counter(), time.process_time()
            at.run()
            self.wall.append(time.perf_counter() - wall)
            self.cpu.append(time.process_time() - cpu)

    def row(self, trivial: "Runs") -> dict[str, Any]:
        p50, p95 = p50_p95_ms(self.wall)
        cpu, least = statistics.median(self.cpu), statistics.median(trivial.cpu)
        return {
            "cpu_ms": round(cpu * 1000, 1),
            "p50_ms": p50,
            "p95_ms": p95,
            "times_trivial": round(cpu / least, 1),
            "times_trivial_wall": round(p50 / p50_p95_ms(trivial.wall)[0], 1),
        }


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="cairn-pages-") as directory:
        for name, row in measure(Path(directory) / "pages").items():
            mark = " *" if row["times_trivial"] > GOAL else ""
            print(f"{name:20}", "  ".join(f"{key} {value}" for key, value in row.items()), mark, flush=True)
    sys.exit()
