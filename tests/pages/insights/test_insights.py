"""The list of insights: what it shows and hides, decisions on many with their undo, the drawer and the merge dialog."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.insights import life, merging, order_report, report
from core.insights.life import Change
from core.insights.report import Filters
from core.runtime import db
from pages.common import widgets
from tests.pages import made
from tests.pages.seeing import buttons, links, press, show, unfold, words
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")
QUOTE = "Repairs took nine days and cost 48,000 euros."
STATEMENTS = ("Repairs took nine days.", "Repairs cost 48,000 euros.", "Repairs were dear.")


@pytest.fixture
def three() -> list[str]:
    return made.insights(*STATEMENTS, documents=[add_document()], quote=QUOTE)


def listed(at: AppTest) -> list[str]:
    assert not at.exception
    return list(at.dataframe[0].value["Statement"]) if at.dataframe else []


def select(at: AppTest, rows: list[int], cells: list[tuple[int, str]] | None = None) -> AppTest:
    """Tick rows of the grid that the page shows, or click on a cell."""
    at.session_state[key_of(at)] = {"selection": {"rows": rows, "columns": [], "cells": cells or []}}
    return at.run()


def key_of(at: AppTest) -> str:
    shown = {row.words: row for row in report.find(limit=500).items}
    return widgets.rows_key("insights", [shown[name.removeprefix("\N{PUSHPIN} ")] for name in listed(at)])


def states() -> dict[str, str]:
    return {row.statement: row.state for row in report.find().items}


def unsupported(insight: str) -> None:
    with db.transaction() as session:
        db.execute(session, "UPDATE evidence SET supported = false WHERE insight_id = :id", id=insight)
        db.execute(session, "UPDATE insight SET support = 0, documents = 0, confidence = 0 WHERE id = :id", id=insight)


def test_dismissed_ones_and_those_without_a_quote_are_hidden_at_first_and_the_page_says_so(three: list[str]) -> None:
    life.change(three[0], Change(state="dismissed"))
    unsupported(three[1])
    at = show("insights")
    assert listed(at) == [STATEMENTS[2]]
    assert at.selectbox(key="state").value == "new or confirmed"
    assert at.selectbox(key="evidence").value == "supported"
    assert "2 not shown: dismissed or without a quote that supports them." in words(at)
    at = at.button(key="show-hidden").click().run()
    assert len(listed(at)) == 3
    assert "not shown" not in words(at)


def test_filters_and_order_stand_in_the_link(three: list[str]) -> None:
    life.change(three[0], Change(state="dismissed"))
    life.change(three[1], Change(tags=["money"], pinned=True))
    made.pair(three[1], three[2])
    assert listed(show("insights", state="dismissed")) == [STATEMENTS[0]]
    pinned = f"\N{PUSHPIN} {STATEMENTS[1]}"
    assert listed(show("insights", tag="money")) == [pinned]
    assert listed(show("insights", pinned="true")) == [pinned]
    assert set(listed(show("insights", conflict="open"))) == {pinned, STATEMENTS[2]}
    assert listed(show("insights", conflict="none", state="all")) == [STATEMENTS[0]]
    assert listed(show("insights", tag="never given")) == []
    unsupported(three[2])
    assert listed(show("insights", evidence="unsupported")) == [STATEMENTS[2]]
    assert listed(show("insights", sort="surest first", evidence="all", q="repairs"))[-1] == STATEMENTS[2]


def test_the_grid_says_what_speaks_against_and_which_tags_there_are(three: list[str]) -> None:
    assert not {"Against", "Tags"} & set(show("insights").dataframe[0].value)
    made.pair(three[1], three[2])
    life.change(three[1], Change(tags=["money"]))
    rows = show("insights", tag="money").dataframe[0].value
    assert (list(rows["Against"]), list(rows["Tags"]), list(rows["State"])) == (["1 · open"], [["money"]], [["new"]])


def test_more_than_are_counted_are_told_as_more(monkeypatch: pytest.MonkeyPatch, three: list[str]) -> None:
    monkeypatch.setattr(order_report, "MOST_COUNTED", 2)
    at = show("insights")
    assert "1 to 3 of 2+" in words(at)
    assert "All 2+ that match" in [box.label for box in at.checkbox]


def test_nothing_can_be_done_before_something_is_selected(three: list[str]) -> None:
    assert not {"Confirm", "Merge…"} & buttons(show("insights"))


def test_those_that_are_selected_are_confirmed_and_that_is_undone_as_one(three: list[str]) -> None:
    at = press(select(show("insights"), [0, 1]), "Confirm (2)")
    assert sorted(states().values()) == ["confirmed", "confirmed", "new"]
    assert "2 insights confirmed." in words(at)
    # The selection has ended.
    assert "Confirm" not in {label.partition(" (")[0] for label in buttons(at)}
    life.change(next(row.id for row in report.find(Filters(state="confirmed")).items), Change(pinned=True))
    at = at.button(key="undo-done").click().run()
    assert sorted(states().values()) == ["confirmed", "new", "new"]
    assert "1 insight set back to what it was. 1 was changed since, and stays." in words(at)
    assert "set back" not in words(at.button(key="hide-done").click().run())


def test_all_that_match_are_dismissed_with_a_reason(three: list[str]) -> None:
    at = show("insights", q="repairs")
    at = at.checkbox(key="bulk_every").check().run()
    at.text_input(key="bulk_reason").input(" old ")
    at = press(at, "Dismiss (3)")
    assert {(row.state, row.reason) for row in report.find().items} == {("dismissed", "old")}
    assert "3 insights dismissed." in words(at)
    assert listed(at) == []
    assert at.button(key="undo-done").click().run().dataframe[0].value.shape[0] == 3


def test_tags_are_given_and_taken_off_and_pins_are_set(three: list[str]) -> None:
    at = select(show("insights"), [0, 1])
    at.multiselect(key="bulk_add").set_value(["money"])
    at = press(at, "Change tags (2)")
    assert sorted(row.tags for row in report.find().items) == [[], ["money"], ["money"]]
    at = select(at, [0, 1, 2])
    at.multiselect(key="bulk_remove").set_value(["money"])
    at = press(at, "Change tags (3)")
    assert "2 insights given other tags." in words(at)
    assert {row.pinned for row in report.find().items} == {False}
    press(select(at, [0]), "Pin (1)")
    assert sorted(row.pinned for row in report.find().items) == [False, False, True]


def test_a_click_that_is_sent_again_with_what_closes_the_drawer_does_not_open_it(three: list[str]) -> None:
    at = show("insights")
    at.session_state[widgets.DISMISSED] = True
    assert "insight" not in select(at, [], [(0, "Statement")]).query_params
    assert "insight" in select(at, [], [(0, "Statement")]).query_params


def test_a_click_opens_the_drawer_and_keeps_what_is_selected(three: list[str]) -> None:
    first, second, _ = (row.id for row in report.find().items)
    at = select(show("insights"), [1], [(0, "Statement")])
    assert at.query_params["insight"] == first
    assert "Confirm (1)" in buttons(at)
    assert "1 of 3 on this page" in words(at)
    # Nothing is left of the click: the next one on the same cell opens it again.
    assert at.session_state[key_of(at)]["selection"]["cells"] == []
    at = press(at, "Next")
    assert at.query_params["insight"] == second
    assert "2 of 3 on this page" in words(at)
    assert links(at)["Its own page"] == f"insight?id={second}"
    # One comes back to it from there.
    at.query_params.clear()
    at.query_params["id"] = second
    own = at.switch_page("insight/insight.py").run()
    assert links(own)["Insights"] == f"insights?insight={second}"
    at = show("insights", insight=second)
    assert at.button(key="step-1").click().run().query_params["insight"] == first


def test_the_drawer_shows_the_sum_of_its_confidence_and_where_each_quote_came_from(three: list[str]) -> None:
    text = words(at := show("insights", insight=three[0]))
    assert "Confidence 50%: 1 of 1 document supports it: 1 × (1 − 0.5^1) = 50%." in text
    assert "stands there word for word" in text
    assert "found by one answer" in text
    assert "Open in report\\.txt" in links(at)


def drawer(insight: str) -> AppTest:
    return show("insights", insight=insight)


def test_in_the_drawer_one_is_decided_tagged_pinned_and_reworded(three: list[str]) -> None:
    insight = three[0]

    def now() -> Any:
        return report.get(insight)

    at = press(drawer(insight), "Confirm")
    assert now().state == "confirmed"
    assert "a person confirmed it, so it counts for at least 95%" in words(at)
    at = unfold(at, f"dismiss-{insight}-2")
    at.text_input(key=f"reason-{insight}-2").input("not so")
    at = press(at, "Dismiss")
    assert (now().state, now().reason) == ("dismissed", "not so")
    assert "Dismissed because “not so”" in words(at)
    at = press(press(at, "Back to new"), "Pin")
    assert (now().state, now().pinned) == ("new", True)
    at = at.multiselect(key=f"tags-{insight}-5").set_value(["b", "A"]).run()
    assert now().tags == ["A", "b"]
    at = unfold(at, f"reword-{insight}-6")
    at.text_area(key=f"words-{insight}-6").input("Nine days of repairs")
    at = press(at, "Save")
    assert "#### Nine days of repairs" in words(at)
    assert "Reworded by a person. The model said: “Repairs took nine days" in words(at)


def test_who_decides_on_what_changed_meanwhile_is_told_what_to_do(three: list[str]) -> None:
    at = drawer(three[0])
    life.change(three[0], Change(state="dismissed"))
    at = press(at, "Confirm")
    assert "Somebody changed this insight while you looked at it" in words(at)
    assert report.get(three[0]).state == "dismissed"
    at = drawer(three[1])
    merging.merge(three[2], [three[1]], force=True)
    at = press(at, "Confirm")
    assert "was merged into another in the meantime" in words(at)
    assert press(at, "Show that one").query_params["insight"] == three[2]


def test_the_drawer_shows_what_contradicts_with_both_sides_and_what_looks_like_a_dismissed_one(
    three: list[str],
) -> None:
    made.pair(three[0], three[1])
    made.pair(three[0], three[2], "merge")
    life.change(three[2], Change(state="dismissed", reason="a joke"))
    text = words(drawer(three[0]))
    assert "halved while a conflict is open: 25%" in text
    assert "**In conflict with**" in text
    assert ":gray[This one, in report\\.txt:] “Repairs took nine days" in text
    assert ":gray[The other, in report\\.txt:] “Repairs took nine days" in text
    assert "Looks like one that was dismissed because “a joke”: “Repairs were dear" in text


def test_of_many_conflicts_the_first_stand_there_and_the_others_behind_a_click() -> None:
    ids = made.insights(
        *(f"The fee is {fee} euros." for fee in range(100, 106)), documents=[add_document()], quote=QUOTE
    )
    for other in ids[1:]:
        made.pair(ids[0], other)
    at = show("insight", id=ids[0])
    others = [name for name in links(at) if name.startswith("The fee is")]
    assert len(others) == 3
    assert links(at)["Decide in Review"] == "review?kind=conflict"
    assert "2 more" in [one.label for one in at.expander]
    at = unfold(at, f"more-In conflict with-{ids[0]}")
    assert len([name for name in links(at) if name.startswith("The fee is")]) == 5


def test_a_conflict_quotes_the_wording_that_is_in_it_and_not_what_it_was_merged_with(three: list[str]) -> None:
    board = "The supplier has agreed to replace both pumps before the end of June."
    (other,) = made.insights("Both pumps will be replaced.", documents=[add_document()], quote=board)
    merging.merge(other, [three[0]], force=True)
    made.pair(three[0], three[1])
    text = words(drawer(other))
    assert ":gray[This one, in report\\.txt:] “Repairs took nine days" in text
    assert "found by one answer · of a merged wording" in text


def test_a_merged_wording_is_taken_out_in_the_drawer(three: list[str]) -> None:
    merging.merge(three[0], [three[1]], force=True)
    at = drawer(three[0])
    assert "**Merged wordings**" in words(at)
    at = press(at, "Take out")
    assert "1 insight stands alone again" in words(at)
    assert report.get(three[1]).head is None


def test_merging_shows_what_differs_and_asks_again_where_that_matters(three: list[str]) -> None:
    at = show("insights")
    at = press(select(at, [listed(at).index(STATEMENTS[0]), listed(at).index(STATEMENTS[1])]), "Merge 2…")
    text = words(at)
    assert "Its support stays **1 document**" in text
    assert "They may not say the same: their figures differ" in text
    marks = [element.proto.body for element in at.get("html") if "<mark" in element.proto.body]
    assert len(marks) == 2
    assert "48,000 euros</mark>" in "".join(marks)
    assert "Merge 2 into one" not in buttons(at)
    at = press(at.checkbox(key="merge_force").check().run(), "Merge 2 into one")
    assert len(listed(at)) == 2
    assert "1 insight merged into another." in words(at)
    at = at.button(key="undo-done").click().run()
    assert len(listed(at)) == 3
    assert "1 insight stands alone again" in words(at)


def test_the_wording_that_stays_is_chosen(three: list[str]) -> None:
    same = made.insights("Repairs took 9 days in all.", documents=[add_document(name="b.txt")], quote=QUOTE)
    at = show("insights")
    names = listed(at)
    rows = [names.index("Repairs took 9 days in all."), names.index(STATEMENTS[0])]
    at = press(select(at, rows), "Merge 2…")
    at = at.radio(key="merge_into").set_value(1).run()
    if "Merge 2 into one" not in buttons(at):
        at = at.checkbox(key="merge_force").check().run()
    press(at, "Merge 2 into one")
    heads = {report.get(one).head for one in (three[0], same[0])}
    assert heads == {None, max(three[0], same[0])}


def test_answers_to_different_questions_cannot_be_merged(three: list[str]) -> None:
    made.insights("Nine days.", documents=[add_document(name="b.txt")], quote=QUOTE, question="How long did it take?")
    at = press(select(show("insights"), [0, 1]), "Merge 2…")
    assert "answers another question" in words(at)
    assert "Merge 2 into one" not in buttons(at)
    assert not [box for box in at.checkbox if box.key == "merge_force"]
