"""Facets, filters that stand in the link alone, saved views, growth, and what a job changed."""

import re
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.insights import growth_report, life, order_report, report, views
from core.insights.life import Change
from core.insights.report import Filters
from core.runtime import db
from pages.common import formats
from pages.words import insights
from tests.pages import made
from tests.pages.seeing import buttons, links, press, show, unfold, words
from tests.pipeline import add_document, make_job, run_job

pytestmark = pytest.mark.usefixtures("database")
QUOTE = "Repairs took nine days and cost 48,000 euros."
STATEMENTS = ("Repairs took nine days.", "Repairs cost 48,000 euros.", "Pumps failed in winter.")


@pytest.fixture
def three() -> list[str]:
    return made.insights(*STATEMENTS, documents=[add_document()], quote=QUOTE)


def listed(at: AppTest) -> set[str]:
    assert not at.exception
    return set(at.dataframe[0].value["Statement"]) if at.dataframe else set()


def offered(at: AppTest) -> dict[str, int]:
    """The facets' values, each with its count."""
    found = (re.fullmatch(r"(.+) · ([\d,]+)", label) for label in buttons(at))
    return {one.group(1): int(one.group(2).replace(",", "")) for one in found if one}


def test_a_facet_is_counted_when_it_is_open_and_a_click_shows_as_many_as_it_says(three: list[str]) -> None:
    for one, tag in zip(three, ("money", "money", "machines"), strict=True):
        life.change(one, Change(tags=[tag]))
    life.change(three[2], Change(state="confirmed"))
    assert offered(show("insights")) == {}
    at = show("insights", panel="Narrow down")
    assert {"money": 2, "machines": 1, "new": 2, "confirmed": 1}.items() <= offered(at).items()
    for label, count in offered(at).items():
        clicked = press(show("insights", panel="Narrow down"), f"{label} · {count:,}")
        assert len(listed(clicked)) == count, label
    at = press(press(at, "money · 2"), "money · 2")
    assert len(listed(at)) == 3


def test_a_sample_says_so(three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_report, "MOST_COUNTED", 2)
    assert insights.SAMPLED in words(show("insights", panel="Narrow down"))


def test_what_stands_in_the_link_alone_is_named_and_can_be_taken_back() -> None:
    texts = ("Valves leaked at night.", "Repairs took nine days.")
    jobs = [make_job([add_document(text, f"{n}.txt")], params={"count": 1}) for n, text in enumerate(texts)]
    for job in jobs:
        run_job(job)
    at = show("insights", job=job, min_support="1", language="en")
    assert len(listed(at)) == 1
    at = press(at, "language en")
    assert "language" not in at.query_params
    at = press(at, "at least 1 document")
    assert len(listed(at)) == 1
    (by_job,) = [label for label in buttons(at) if label.startswith("found by")]
    assert len(listed(press(at, by_job))) == 2


@pytest.mark.parametrize("link", [{"min_support": "many"}, {"since": "soon"}, {"field": "nothing"}])
def test_what_cannot_be_read_in_a_link_narrows_nothing(three: list[str], link: dict[str, str]) -> None:
    assert len(listed(show("insights", **link))) == 3


def test_a_view_is_saved_tells_what_is_new_and_is_opened_as_it_was_saved(three: list[str]) -> None:
    life.change(three[0], Change(tags=["money"]))
    at = show("insights", tag="money", sort="most documents", evidence="all", min_support="1")
    at = unfold(at, "views")
    at.text_input(key="view_name").input("Money ")
    at = press(at, "Save")
    (view,) = views.list_all()
    assert (view.name, view.sort, view.filters) == (
        "Money",
        "support",
        Filters(tag="money", state=insights.STATES["new or confirmed"], min_support=1, quarantined=False),
    )
    with db.transaction() as session:  # as if it had been looked at before
        db.execute(session, "UPDATE saved_view SET looked_at = now() - interval '1 day'")
    at = show("insights", q="nowhere")
    assert "Views · 1 new" in [popover.proto.popover.label for popover in at.get("popover")]
    at = press(unfold(at, "views"), "Money :blue[1 new]")
    assert listed(at) == {STATEMENTS[0]}
    assert at.selectbox(key="evidence").value == "all"
    assert at.query_params["min_support"] in ("1", ["1"])
    assert views.list_all()[0].new.count == 0
    at.button(key=f"no-{view.id}").click().run()
    assert views.list_all() == []


def test_a_view_of_a_program_opens_as_what_it_was_saved_as(three: list[str]) -> None:
    made.pair(three[0], three[1], verdict="conflict")
    views.save("settled", Filters(q="repairs", state="new", conflict="any"), "relevance")
    views.save("agreed", Filters(conflict="none"))
    at = press(unfold(show("insights"), "views"), "settled")
    assert (listed(at), at.selectbox(key="state").value) == (set(STATEMENTS[:2]), "new")
    assert at.selectbox(key="sort").value == "relevance"
    assert listed(at.text_input(key="q").input("").run()) == set(STATEMENTS[:2])
    at = press(at, "agreed")
    assert (listed(at), at.selectbox(key="state").value) == ({STATEMENTS[2]}, "all")


def test_at_a_glance_shows_shares_days_and_what_grows(three: list[str]) -> None:
    with db.transaction() as session:
        db.execute(session, "UPDATE insight SET first_seen = now() - interval '30 days' WHERE id = :id", id=three[0])
    at = show("insights", panel="At a glance")
    assert "Corroborated 0 0% of them" in words(at)
    assert len(at.get("plotly_chart")) == 1
    growing = [label for label in links(at) if "1 more, 1 document in all" in label]
    assert growing
    assert growing[0].startswith(formats.plain(STATEMENTS[0]))
    assert "None" not in words(show("insights", panel="At a glance", q="nowhere"))


def test_shares_of_a_large_base_are_those_of_the_newest(three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as session:
        db.execute(session, "UPDATE insight SET support = 2 WHERE id = :id", id=max(three))
    assert "Corroborated 1 33% of them" in words(show("insights", panel="At a glance"))
    monkeypatch.setattr(growth_report, "MOST", 2)
    seen = words(show("insights", panel="At a glance"))
    assert f"Insights 2 {insights.NEWEST_ALONE}" in seen
    assert "Corroborated 1 50% of them" in seen


def test_a_job_says_what_it_changed_and_leads_to_its_insights() -> None:
    documents = [add_document(f"Repairs took nine days. {other}", f"{number}.txt") for number, other in enumerate("ab")]
    for document in documents:
        run_job(make_job([document], params={"count": 1}))
    first, second = (row["id"] for row in _jobs())
    at = show("job", id=second, tab="Insights")
    assert not at.exception
    (row,) = report.find(Filters(job=second)).items
    assert "Strengthened 1" in words(at) or "New 1" in words(at)
    assert f"insight?id={row.id}" in links(at).values()
    assert f"insights?job={second}" in links(at).values()
    assert "New 1" in words(show("job", id=first, tab="Insights"))
    assert formats.utc_now() - row.first_seen < timedelta(hours=1)


def _jobs() -> list[dict[str, str]]:
    with db.transaction() as session:
        return [dict(row._mapping) for row in db.rows(session, "SELECT id FROM job ORDER BY id")]
