"""What is done to several jobs at once: for which of them it is, what it says before, and what became of each."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import control, report
from pages.common import widgets
from tests.pages import made
from tests.pages.seeing import buttons, opened, press, words
from tests.pipeline import rows

NOW = datetime.now(UTC)
pytestmark = pytest.mark.usefixtures("database")


def ticked(*jobs: str) -> AppTest:
    found = report.find().items
    at = opened("jobs")
    key = widgets.rows_key("jobs", found)
    places = [at for at, row in enumerate(found) if row.id in jobs]
    at.session_state[key] = {"selection": {"rows": places, "columns": [], "cells": []}}
    return at.run()


def states() -> dict[str, str]:
    return {row["name"]: row["state"] for row in rows("SELECT name, state FROM job")}


@pytest.fixture
def several() -> dict[str, str]:
    """A job in each kind of state, by name."""
    jobs = {
        state: made.job(state, name=state.title(), started_at=None if state in ("draft", "queued") else NOW)
        for state in ("draft", "queued", "running", "paused", "completed", "cancelling")
    }
    jobs["deciding"] = made.job("paused", name="Deciding", canary=1)
    for state, job in jobs.items():
        made.requests(job, "held" if state == "deciding" else "pending", 2)
    made.requests(jobs["completed"], "failed", 3, error_code="server_error")
    made.requests(jobs["completed"], "failed", 1, error_code="document_too_long")
    return jobs


def test_each_action_counts_the_jobs_that_it_is_for(several: dict[str, str]) -> None:
    assert {"Pause", "Resume", "Cancel", "Send again", "Delete"}.isdisjoint(buttons(ticked()))
    offered = buttons(ticked(*several.values()))
    expected = {"Pause (2 of 7)", "Resume (1 of 7)", "Cancel (4 of 7)", "Send again (1 of 7)", "Delete (2 of 7)"}
    assert offered >= expected
    assert "Pause (2)" in buttons(ticked(several["queued"], several["running"]))


@pytest.mark.parametrize(
    ("label", "says", "button", "after"),
    [
        (
            "Pause (2 of 7)",
            ["Pause **2 of 7 jobs**: “Running”, “Queued”", "resumes them: 4 requests", "Only queued and running jobs"],
            "Pause 2 jobs",
            {"Queued": "paused", "Running": "paused", "Completed": "completed", "Draft": "draft"},
        ),
        (
            "Resume (1 of 7)",
            ["2 requests, for about ", "“Deciding”. A canary waits for your decision"],
            "Resume 1 job",
            {"Paused": "running", "Deciding": "paused"},
        ),
        (
            "Cancel (4 of 7)",
            ["Not sent any more: 8 requests", "Left out: “Cancelling”, “Completed”, “Draft”"],
            "Cancel 4 jobs",
            {"Queued": "cancelled", "Running": "cancelled", "Paused": "cancelled", "Deciding": "cancelled"},
        ),
        (
            "Send again (1 of 7)",
            [
                "Sent again: 3 requests",
                "Not sent, because it would fail again: 1 request too long for the model (Completed)",
            ],
            "Send 1 job again",
            {"Completed": "running", "Paused": "paused"},
        ),
        (
            "Delete (2 of 7)",
            ["Removed for good: 8 requests", "Left out: “Deciding”, “Cancelling”, “Paused”"],
            "Delete 2 jobs",
            {"Paused": "paused"},
        ),
    ],
)
def test_it_is_said_before_and_done_to_those_that_can(
    several: dict[str, str], label: str, says: list[str], button: str, after: dict[str, str]
) -> None:
    before = states()
    at = press(ticked(*several.values()), label)
    assert not at.exception
    assert [one for one in says if one not in words(at)] == []
    assert states() == before
    at = press(at, button)
    assert not at.exception
    assert {name: state for name, state in states().items() if name in after} == after
    if label.startswith("Delete"):
        assert {"Draft", "Completed"}.isdisjoint(states())
    assert "**Done:" in words(at)
    press(at, "Close")
    assert "**Done:" not in words(at)


def test_what_has_changed_meanwhile_is_said_of_each_job(several: dict[str, str]) -> None:
    at = press(ticked(several["queued"], several["running"]), "Pause (2)")
    control.cancel(several["queued"])
    at = press(at, "Pause 2 jobs")
    said = words(at)
    assert "**Done: 1 of 2 jobs.**" in said
    assert "**Running** is paused now" in said
    assert "**Queued** A job that is cancelled cannot be paused" in said


def test_where_it_is_sent_again_and_for_how_much(several: dict[str, str]) -> None:
    other = made.job("cancelled", name="Other", lane="live", model="made-up")
    made.requests(other, "cancelled", 2, lane="live")
    at = press(ticked(several["completed"], other), "Send again (2)")
    captions = [caption.replace("\\", "") for caption in at.radio[0].proto.captions]
    assert [caption.partition(",")[0] for caption in captions] == ["about $0.00070", "about $0.00070", "about $0.0014"]
    assert {caption.partition(",")[2] for caption in captions} == {" and 1 job without a known price"}
    at.radio[0].set_value("All as batches")
    press(at, "Send 2 jobs again")
    sent = rows("SELECT DISTINCT job_id, lane FROM request WHERE state = 'pending' AND job_id = ANY(:jobs)",
                jobs=[several["completed"], other])  # fmt: skip
    assert {(row["job_id"], row["lane"]) for row in sent} == {(several["completed"], "batch"), (other, "batch")}


def test_a_new_job_does_not_take_the_ticks_away() -> None:
    first = made.job("running", name="First", estimate_usd=Decimal(1))
    at = ticked(first)
    assert "Pause (1)" in buttons(at)
    made.job("running", name="Second")
    assert "Pause (1)" in buttons(at.run())
    assert "Pause (1)" in buttons(at.run())
