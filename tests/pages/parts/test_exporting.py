"""The control that exports a table: its link gives what the page lists."""

import pytest
from starlette.testclient import TestClient

from api import api
from pages.parts import exporting
from tests.pages import made
from tests.pages.seeing import opened, show, unfold
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")


def exported(page: str, **query: str) -> list[dict[str, object]]:
    """What the page's link gives, as JSON."""
    at = unfold(show(page, **query), f"{page}_export")
    at = at.segmented_control(key=f"{page}_format").set_value("json").run()
    (address,) = [one.proto.url for one in at.get("link_button") if one.proto.label == "Export"]
    with TestClient(api, base_url="http://localhost") as client:
        found: list[dict[str, object]] = client.get(address.removeprefix("api/v1")).json()
    return found


def test_each_table_is_exported_as_it_is_narrowed_in_the_link() -> None:
    add_document(name="a b&c.txt")
    other = add_document("Nothing is said.", "b.txt", "roofs & walls")
    assert [one["name"] for one in exported("documents", name="B&C", state="ready")] == ["a b&c.txt"]
    assert [one["id"] for one in exported("documents", collection="roofs & walls")] == [other]
    jobs = [made.job(state, lane="live") for state in ("running", "queued", "completed")]
    assert [one["id"] for one in exported("jobs", state="at work")] == [jobs[1], jobs[0]]
    assert [one["id"] for one in exported("jobs", state="completed", q=jobs[2])] == [jobs[2]]
    made.usage(jobs[0])
    assert [one["calls"] for one in exported("costs")] == [1]


def test_costs_leave_as_focus_too() -> None:
    made.usage(made.job("completed", lane="live"))
    at = unfold(show("costs"), "costs_export")
    (address,) = [one.proto.url for one in at.get("link_button") if one.proto.label.startswith("FOCUS")]
    with TestClient(api, base_url="http://localhost") as client:
        columns, *rows = client.get(address.removeprefix("api/v1")).text.splitlines()
    assert "BilledCost" in columns
    assert rows


def test_the_format_that_was_chosen_last_is_chosen_in_the_next_table() -> None:
    add_document()
    made.job("completed", lane="live")
    at = unfold(show("documents"), "documents_export")
    assert at.segmented_control(key="documents_format").value == "csv"
    at = at.segmented_control(key="documents_format").set_value("xlsx").run()
    other = opened("jobs")
    other.session_state[exporting.LAST] = at.session_state[exporting.LAST]
    at = unfold(other.run(), "jobs_export")
    assert at.segmented_control(key="jobs_format").value == "xlsx"


def test_what_an_export_holds_is_made_once_it_is_opened() -> None:
    add_document()
    at = show("documents")
    assert not at.get("link_button")
    assert unfold(at, "documents_export").get("link_button")
