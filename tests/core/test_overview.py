"""The first page's figures, and that they stay cheap however many requests there are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import overview
from core.insights import life, merging, report
from core.insights.life import Change
from core.insights.report import Filters
from core.runtime import db
from pages.words.insights import STATES
from tests.core.insights import world
from tests.pages import made
from tests.pipeline import ready_documents

pytestmark = pytest.mark.usefixtures("database")


def test_an_overview_counts_what_there_is_and_what_was_spent_today() -> None:
    at = datetime.now(UTC)
    ready_documents(4)
    with db.transaction() as session:
        for number, state in enumerate(("queued", "extracting", "failed")):
            db.execute(session, "UPDATE document SET state = :state WHERE id = :id", state=state, id=f"doc_{number:04}")
    for state in ("running", "queued", "completed"):
        made.job(state)
    made.usage("job_1", time=at, cost_usd="0.25")
    made.usage("job_1", time=at, cost_usd="0.50")
    made.usage("job_1", time=at, priced=False, cost_usd=None)
    made.usage("job_1", time=at - timedelta(days=1), cost_usd="9")
    found = overview.read(at)
    assert (found.documents, found.ready, found.extracting, found.failed_documents) == (4, 1, 2, 1)
    assert (found.running_jobs, found.jobs) == (2, 3)
    assert (found.spent_today, found.unpriced_today) == (Decimal("0.75"), 1)


def test_insights_are_counted_as_their_page_begins() -> None:
    document = world.document(world.TEXTS[3])
    world.say(document, ["Ann works.", "Ben works.", "Cid works.", "Dan works."])
    world.say(document, ["Eve works."], "It is not in the text.")
    merging.merge(world.id_of("Ann works."), [world.id_of("Ben works.")], force=True)
    life.change(world.id_of("Cid works."), Change(state="dismissed", reason="wrong"))
    begins = Filters(state=STATES[next(iter(STATES))], supported=True, quarantined=False)
    assert overview.read(datetime.now(UTC)).insights == report.count(begins).count == 2


def test_the_newest_jobs_with_failed_requests_are_troubled() -> None:
    jobs = [made.job("completed") for _ in range(4)]
    for number, job in enumerate(jobs):
        made.requests(job, "failed", number)
        made.requests(job, "succeeded", 2)
    with db.transaction(everywhere=True) as session:
        db.execute(session, "UPDATE request SET job_id = NULL WHERE job_id = :job", job=jobs[1])
    assert [(job.id, job.failed) for job in overview.troubled_jobs()] == [(jobs[3], 3), (jobs[2], 2)]
    assert [job.id for job in overview.troubled_jobs(limit=1)] == [jobs[3]]


def test_only_failed_requests_are_read_to_find_them() -> None:
    with db.transaction() as session:
        db.execute(session, "SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in db.rows(session, f"EXPLAIN {overview.TROUBLED}", limit=5))
    assert "ix_request_failed" in plan
    assert "FROM request" not in overview.SQL
