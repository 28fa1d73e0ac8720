"""An insight's own page: evidence in pages, documents, merges, and a history that can be undone."""

import re

import pytest

from core.access import actor
from core.insights import life, merging, report
from core.insights.life import Change
from core.runtime import db
from pages.common import formats
from pages.insight import tabs
from tests.callers import by
from tests.pages import made
from tests.pages.seeing import buttons, links, opened, press, show, unfold, words
from tests.pipeline import TEXT, add_document, rows

pytestmark = pytest.mark.usefixtures("database")
QUOTE = "Repairs took nine days and cost 48,000 euros."
STATEMENTS = ("Repairs took nine days.", "Repairs cost 48,000 euros.")


@pytest.fixture
def two() -> list[str]:
    other = "The harbour was closed for the winter, and the ferries stayed away until April."
    documents = [add_document(), add_document(f"{TEXT} Signed.", "copy.txt"), add_document(other, "c.txt")]
    return made.insights(*STATEMENTS, documents=documents, quote=QUOTE)


def test_it_names_its_insight_and_says_how_sure_it_is(two: list[str]) -> None:
    at = show("insight", id=two[0])
    assert not at.exception
    text = words(at)
    assert at.title[0].value == "Repairs took nine days\\."
    assert (
        "Confidence 33%: 2 of 3 documents support it, 1 of them independent (texts that are nearly the same count "
        "once): 0.67 × (1 − 0.5^1) = 33%."
    ) in text
    assert {"Confirm", "Pin"} <= buttons(at)
    assert links(at)["All insights"] == "insights?"


def test_it_leads_back_to_the_list_and_is_led_back_to_by_what_it_opened(two: list[str]) -> None:
    at = opened("insight", id=two[0])
    at.session_state["came_by"] = {"job/job.py": ("Repairs", {"id": "job_1"})}
    for _ in range(2):
        at = at.run()
        assert links(at)["Repairs"] == "job?id=job_1"
    assert [*at.session_state["came_by"]] == ["job/job.py", "insight/insight.py"]
    document = opened("document", id=rows("SELECT min(id) AS id FROM document")[0]["id"])
    document.session_state["came_by"] = at.session_state["came_by"]
    assert links(document.run())["Repairs took nine days\\."] == f"insight?id={two[0]}"


def test_an_insight_that_is_gone_and_a_link_that_names_none_say_so() -> None:
    assert "There is no insight ins" in words(show("insight", id="ins_gone"))
    assert "names no insight" in words(at := show("insight"))
    assert "All insights" in links(at)


def test_all_evidence_is_paged(two: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "QUOTES", 2)
    at = show("insight", id=two[0])
    assert "3 quotes, those that stand in their document first." in words(at)
    assert "Open in copy\\.txt" in links(at)
    at = at.button(key="evidence-forth").click().run()
    assert "Not found in c\\.txt" in words(at)
    assert "Open in copy\\.txt" not in links(at)
    assert "Open in copy\\.txt" in links(at.button(key="evidence-back").click().run())


def test_a_quote_stands_in_its_context_and_one_that_is_not_there_alone(two: list[str]) -> None:
    at = show("insight", id=two[0])
    shown = [element.proto.body for element in at.get("html") if "in-context" in element.proto.body]
    assert len(shown) == 2
    found = re.fullmatch(r".*?'>(.*)<mark [^>]*>(.*)</mark>(.*)</div>", shown[0])
    assert found
    before, passage, after = found.groups()
    assert passage == QUOTE
    begin = TEXT.index(QUOTE)
    assert before.strip() == " ".join(TEXT[:begin].split())
    assert after.strip() == " ".join(TEXT[begin + len(QUOTE) :].split())
    assert f"“{formats.plain(QUOTE)}”" in words(at)  # of c.txt alone
    assert words(at).count(formats.plain(QUOTE)) == 1


def test_rows_and_cells_around_a_quote_stay_apart() -> None:
    table = "Sales of all regions\n\nRegion\t2025\t2026\nNorth\t1,200  \t1,450\nSouth in total\t\t980\nWest\t310\n"
    (one,) = made.insights("South sold 980.", documents=[add_document(table, "t.txt")], quote="South in total 980")
    (shown,) = (e.proto.body for e in show("insight", id=one).get("html") if "in-context" in e.proto.body)
    assert "Sales of all regions\nRegion\t2025\t2026\nNorth\t1,200 \t1,450\n<mark" in shown
    assert ">South in total\t\t980</mark>\nWest\t310" in shown


def test_its_documents_say_whether_they_count(two: list[str]) -> None:
    rows = show("insight", id=two[0], tab="Documents").dataframe[0].value
    assert list(rows["Document"]) == ["report.txt", "copy.txt", "c.txt"]
    assert list(rows["Counts"]) == ["yes", "no: nearly the same text as another", "no: no quote stands in it"]
    assert list(rows["Found there"]) == [1, 1, 0]


def test_a_click_on_a_document_opens_it(two: list[str]) -> None:
    at = show("insight", id=two[0], tab="Documents")
    at.session_state[f"sources-{two[0]}"] = {"selection": {"rows": [], "columns": [], "cells": [(1, "Document")]}}
    assert at.run().title[0].value == "copy\\.txt"


def test_its_history_says_what_was_done_and_the_last_change_is_undone(two: list[str]) -> None:
    with actor.bound(by("HTTP API")):
        life.change(two[0], Change(state="confirmed", tags=["a"], shown="Long repairs"))
    at = show("insight", id=two[0], tab="History")
    assert "Confirmed it, reworded it: “Long repairs”, tagged it a, by HTTP API" in words(at)
    at = unfold(at, f"dismiss-{two[0]}-2")
    at.text_input(key=f"reason-{two[0]}-2").input("no")
    at = press(at, "Dismiss")
    assert "Dismissed it because “no”, on the insights pages" in words(at)
    assert not at.exception
    assert [button.key for button in at.button].count("undo-last") == 1
    at = at.button(key="undo-last").click().run()
    assert (report.get(two[0]).state, report.get(two[0]).reason) == ("confirmed", None)
    assert "1 insight set back to what it was." in words(at)
    assert "Undid a change: confirmed it, on the insights pages" in words(at)


def test_a_new_insight_has_no_history(two: list[str]) -> None:
    assert "Nobody has changed it" in words(show("insight", id=two[0], tab="History"))


def test_a_merge_is_told_on_both_sides_and_undone(two: list[str]) -> None:
    merging.merge(two[0], [two[1]], force=True)
    at = show("insight", id=two[1])
    assert "It was merged into the insight below" in words(at)
    assert links(at)["Repairs took nine days\\."] == f"insight?id={two[0]}"
    assert "Confirm" not in buttons(at)
    at = show("insight", id=two[0], tab="Merges")
    assert "Merged 1 insight into it" in words(at)
    assert links(at)["Repairs cost 48,000 euros\\."] == f"insight?id={two[1]}"
    at = press(at, "Undo the merge")
    assert report.get(two[1]).head is None
    assert "1 insight stands alone again" in words(at)
    assert ", undone " in words(at)


def test_a_merged_one_is_taken_out_on_its_own_page(two: list[str]) -> None:
    merging.merge(two[0], [two[1]], force=True)
    at = press(show("insight", id=two[1]), "Take it out again")
    assert report.get(two[1]).head is None
    assert "Confirm" in buttons(at)
    text = words(show("insight", id=two[1], tab="History"))
    assert "Took it out of the one that it was merged into, on the insights pages" in text
    assert "Merged it into another" in text


def test_the_overview_and_the_document_lead_to_it(two: list[str]) -> None:
    life.change(two[1], Change(state="dismissed"))
    leads = links(show("overview")).values()
    assert f"insight?id={two[0]}" in leads
    assert f"insight?id={two[1]}" not in leads
    (other,) = [row["id"] for row in _rows("SELECT id FROM document WHERE name = 'c.txt'")]
    assert f"insight?id={two[0]}" in links(show("document", id=other)).values()


def _rows(sql: str) -> list[dict[str, str]]:
    with db.transaction() as session:
        return [dict(row._mapping) for row in db.rows(session, sql)]


def test_what_is_typed_into_a_popover_is_kept_when_it_is_closed(two: list[str]) -> None:
    key = f"reword-{two[0]}-1"
    at = unfold(show("insight", id=two[0]), key)
    at.session_state[key] = False
    assert at.run().text_area(key=f"words-{two[0]}-1").value
