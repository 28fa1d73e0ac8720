"""What lists and pages of jobs read: filters, what a job waits for, and that looking again counts little."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.batch import report as batch_report
from core.batch.report import Group, InFlight
from core.errors import NotFound
from core.jobs import canary, control, launch, requests_report, resend
from core.jobs import report as jobs_report
from core.jobs.launch import JobSpec
from core.runtime import db
from core.tables.jobs import ACTIVE
from tests.pages import made
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime.now(UTC)


def names(**filters: object) -> list[str]:
    return [row.name for row in jobs_report.find(**filters).items]  # type: ignore[arg-type]


def test_jobs_are_found_by_state_lane_and_text() -> None:
    made.job("running", name="Weekly notes", lane="live")
    made.job("paused", name="Minutes", model="gpt-5.4")
    made.job("completed", name="Letters", template_id="key_points")
    made.job("draft", name="Later", template_id=None, template_version=None)
    assert names() == ["Later", "Letters", "Minutes", "Weekly notes"]
    assert names(state="paused") == ["Minutes"]
    assert names(state=ACTIVE) == ["Minutes", "Weekly notes"]
    assert names(lane="live") == ["Weekly notes"]
    assert names(text="NOTES") == ["Weekly notes"]
    assert names(text="key points") == ["Letters"]
    assert names(text="5.4") == ["Minutes"]
    assert names(text="%") == []


def test_the_figures_of_a_job_that_is_known_to_have_ended_are_not_counted_again() -> None:
    ended, running = made.job("completed", finished_at=NOW), made.job("running")
    before = jobs_report.find().items
    made.requests(ended, "succeeded", 3)
    made.requests(running, "succeeded", 2)
    after = {row.id: row.succeeded for row in jobs_report.find(known=before).items}
    assert after == {ended: 0, running: 2}
    assert {row.id: row.succeeded for row in jobs_report.find().items} == {ended: 3, running: 2}


def test_a_known_job_that_was_changed_since_is_counted_again() -> None:
    job = made.job("completed", finished_at=NOW)
    made.requests(job, "failed", 2)
    known = jobs_report.find().items
    control.rename(job, "Another name", "")
    assert [row.name for row in jobs_report.find(known=known).items] == ["Another name"]
    known = jobs_report.find().items
    resend.retry(job)
    (row,) = jobs_report.find(known=known).items
    assert (row.state, row.failed, row.pending) == ("running", 0, 2)
    control.cancel(job)
    known = jobs_report.find().items
    assert jobs_report.find(state="completed", known=known).items == ()


def test_a_jobs_parts_are_parts_of_its_counts() -> None:
    job = made.job("running")
    made.requests(job, "held", 2)
    made.requests(job, "pending", 3)
    made.requests(job, "answered", 4)
    made.requests(job, "in_flight", 5)
    made.batch(job, "in_progress", done=3)
    made.batch(job, "completed", done=100)
    row = jobs_report.get(job)
    assert (row.held, row.pending, row.answered, row.in_flight, row.total) == (2, 5, 4, 9, 14)
    assert row.done_there == 3
    made.batch(job, "in_progress", done=30)
    assert jobs_report.get(job).done_there == 5


def test_requests_are_found_by_state_and_error_page_by_page() -> None:
    job = made.job("running")
    made.requests(job, "held", 1)
    made.requests(job, "pending", 2)
    made.requests(job, "failed", 3, error_code="expired")
    made.requests(job, "failed", 1, error_code="missing")
    assert len(requests_report.requests(job, state="pending").items) == 3
    assert len(requests_report.requests(job, state="failed").items) == 4
    assert len(requests_report.requests(job, error="expired").items) == 3
    assert [row.error_code for row in requests_report.requests(job, state="failed", limit=2, offset=3).items] == [
        "expired"
    ]
    with pytest.raises(NotFound, match="job_gone"):
        requests_report.requests("job_gone")


def test_how_a_jobs_batches_stand() -> None:
    job, other = made.job("running"), made.job("running")
    since = NOW - timedelta(hours=1)
    first = {"submitted_at": since, "done": 4, "next_at": NOW, "input_tokens": 100, "estimate_usd": Decimal("0.5")}
    made.batch(job, "in_progress", 10, **first)
    made.batch(job, "in_progress", 5, submitted_at=NOW, next_at=NOW, input_tokens=50)
    made.batch(job, "completed", 5, submitted_at=since)
    made.batch(other, "in_progress", 7, next_at=NOW, input_tokens=1)
    made.batch(other, "in_progress", 7, provider="anthropic", next_at=NOW, input_tokens=1)
    found = batch_report.summary(job, "openai")
    assert found.groups == {"in_progress": Group(2, 15, 4, since), "completed": Group(1, 5, 0, since)}
    assert found.in_flight == InFlight(3, 151, Decimal("0.5"))
    assert batch_report.summary(job).in_flight is None
    assert (found.twins, found.trouble) == (False, None)


def test_the_trouble_with_a_batch_is_told_as_long_as_it_lasts() -> None:
    job = made.job("running")
    made.batch(job, "in_progress", next_at=NOW, error="once", tries=1)
    made.batch(job, "in_progress", next_at=NOW, error="often", tries=5)
    made.batch(job, "failed", error="long ago", tries=9)
    made.batch(job, "settling", next_at=NOW, error="not heard")
    assert batch_report.summary(job, "openai").trouble == "often"


def test_a_job_waits_for_equal_requests() -> None:
    job, other = made.job("running"), made.job("running")
    made.requests(job, "pending", 2)
    made.requests(other, "in_flight", 1)
    assert not batch_report.summary(job, "openai").twins
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET fingerprint = 'equal'")
    assert batch_report.summary(job, "openai").twins
    assert not batch_report.summary(other, "openai").twins
    made.requests(job, "pending", 1)
    assert not batch_report.summary(job, "openai").twins
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET fingerprint = 'equal', reused = state = 'in_flight'")
    assert not batch_report.summary(job, "openai").twins


def test_usage_beyond_the_answers_is_summed_by_kind() -> None:
    job = made.job("completed")
    made.usage(job, cost_usd=Decimal(1))
    for cost in (Decimal("0.1"), Decimal("0.2")):
        made.usage(job, status="unattributed", input_tokens=10, output_tokens=2, cost_usd=cost)
    made.usage(job, status="unheard", input_tokens=5, priced=False)
    assert batch_report.beyond(job) == [
        batch_report.Beyond("unattributed", 2, 24, Decimal("0.3")),
        batch_report.Beyond("unheard", 1, 5, None),
    ]


def test_odd_lines_are_shown_from_their_beginning() -> None:
    job = made.job("completed")
    one, two = made.batch(job, "completed"), made.batch(job, "completed")
    made.odd_line(one, "unreadable", b"a" * 5_000)
    made.odd_line(two, "duplicate", b"\xff\x00")
    assert [(line.kind, line.size, len(line.raw)) for line in batch_report.odd_lines(job)] == [
        ("unreadable", 5_000, 2_000),
        ("duplicate", 2, 2),
    ]
    assert [line.raw for line in batch_report.odd_lines(job, batch=two)] == [b"\xff\x00"]
    assert len(batch_report.odd_lines(job, limit=1)) == 1


def test_what_a_canary_did_not_have_to_ask_is_not_measured() -> None:
    job = made.job("paused", canary=2)
    made.requests(job, "held", 4)
    made.requests(job, "succeeded", 2, lane="live", reused=True)
    with db.transaction() as session:
        request = db.scalar(session, "SELECT max(id) FROM request")
    made.usage(job, request_id=request, reused=True, cost_usd=Decimal(0))
    found = canary.read(job, NOW)
    assert (found.asked, found.cost_usd, found.rest, found.rest_usd, found.measured) == (2, Decimal(0), 4, None, False)


def test_a_canary_without_a_price_does_not_make_the_rest_free() -> None:
    job = made.job("paused", canary=1, model="own-model")
    made.requests(job, "held", 4)
    made.requests(job, "succeeded", 1, lane="live")
    with db.transaction() as session:
        request = db.scalar(session, "SELECT id FROM request WHERE state = 'succeeded'")
    made.usage(job, request_id=request, attempt=1, input_tokens=10, output_tokens=10, priced=False)
    found = canary.read(job, NOW)
    assert (found.cost_usd, found.rest_usd, found.measured) == (None, None, True)


def test_a_job_that_asks_a_question_bears_it_in_its_name() -> None:
    asked = "Which of the plants lost the most of their output in March, and for what reason?"
    spec = JobSpec("qa", "offline", documents=(add_document("It works."),), params={"question": asked})
    name = jobs_report.get(launch.create(spec, datetime.now(UTC))).name
    assert name == "Question and answer “Which of the plants lost the most of their output in March,…”: 1 document"
