"""The list of jobs: its filters, what it counts, and that it looks again at what is at work only."""

from decimal import Decimal

import pytest

from core.runtime import db
from pages.words.jobs import JOBS_LINK
from tests.pages import made
from tests.pages.seeing import links, opened, press, show, words

pytestmark = pytest.mark.usefixtures("database")


def listed(**query: str) -> list[str]:
    at = show("jobs", **query)
    assert not at.exception
    return list(at.dataframe[0].value["Job"]) if at.dataframe else []


def test_the_list_shows_both_lanes_with_progress_and_money() -> None:
    live = made.job("completed", name="Live one", lane="live", estimate_usd=Decimal("0.5"))
    made.requests(live, "succeeded", 3)
    made.requests(live, "failed", 1)
    made.usage(live, cost_usd=Decimal("0.25"))
    batch = made.job("running", name="Batch one")
    made.requests(batch, "in_flight", 5)
    made.batch(batch, "in_progress", 5, done=2)
    at = show("jobs")
    grid = at.dataframe[0].value
    assert list(grid["Job"]) == ["Batch one", "Live one"]
    assert [list(state) for state in grid["State"]] == [["running"], ["some failed"]]
    assert list(grid["Progress"]) == [40, 100]
    assert list(grid["Failed"]) == [0, 1]
    assert list(grid["Cost"]) == [0.0, 0.25]
    assert list(grid["Lane"]) == ["batch", "live"]
    assert "Shown: 2 jobs, 9 requests, $0.25 so far" in words(at)


def test_what_has_no_price_is_not_summed_up_as_nothing() -> None:
    job = made.job("completed", name="Local one")
    made.requests(job, "succeeded", 2)
    made.usage(job, cost_usd=None, priced=False)
    assert "not priced so far, and 1 call without a known price" in words(show("jobs"))
    made.usage(job, cost_usd=Decimal("0.25"))
    assert "$0.25 so far, and 1 call without a known price" in words(show("jobs"))


def test_filters_come_from_the_link() -> None:
    made.job("running", name="Weekly notes", lane="live")
    made.job("paused", name="Minutes")
    made.job("completed", name="Letters")
    assert listed(state="at work") == ["Minutes", "Weekly notes"]
    assert listed(state="completed") == ["Letters"]
    assert listed(lane="live") == ["Weekly notes"]
    assert listed(q="minu", lane="batch") == ["Minutes"]
    assert listed(q="zebra") == []
    assert "No job fits" in words(show("jobs", q="zebra"))


def test_hundreds_of_jobs_come_a_hundred_more_at_a_time() -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO job (workspace_id, id, name, template_id, template_version, params, provider, model,
                 lane, state)
               SELECT 'ws_default', 'job_' || n, 'job ' || n, 'qa', 1, '{}', 'offline', 'offline-1', 'live', 'completed'
               FROM generate_series(1000, 1249) n""",
        )
    at = show("jobs")
    assert len(at.dataframe[0].value) == 100
    assert "the newest 100 jobs" in words(at)
    at = press(at, "More")
    assert len(at.dataframe[0].value) == 200
    at = press(at, "More")
    assert len(at.dataframe[0].value) == 250
    assert "Shown: 250 jobs" in words(at)
    assert "More" not in [button.label for button in at.button]
    at.selectbox(key="state").set_value("completed").run()
    assert len(at.dataframe[0].value) == 100


def test_a_job_leads_back_to_the_list_as_it_was_filtered() -> None:
    job = made.job("completed", name="Minutes")
    assert links(show("job", id=job))["All jobs"] == "jobs?"
    at = opened("job", id=job)
    at.session_state[JOBS_LINK] = {"state": "paused"}
    assert links(at.run())["All jobs"] == "jobs?state=paused"
    at = show("jobs", state="completed", q="Min")
    assert at.session_state[JOBS_LINK] == {"q": "Min", "state": "completed"}
