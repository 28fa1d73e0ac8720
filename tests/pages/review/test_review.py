"""The Review page: a head and its candidates, each verdict, what is refused, and what can be undone."""

import pytest
from streamlit.testing.v1 import AppTest

from core.insights import merging, report, review, review_report
from core.runtime import db
from pages.common import formats
from pages.words import review as review_words
from tests.pages import made
from tests.pages.seeing import links, press, show, words
from tests.pipeline import add_document, change, rows

pytestmark = pytest.mark.usefixtures("database")
QUOTE = "Repairs took nine days and cost 48,000 euros."
SAME = ("Repairs took nine days.", "The repairs took nine days in all.", "Nine days of repairs were needed.")
PRICES = tuple(f"{what} cost {price},000 euros." for what in ("Repairs", "Roofs") for price in (48, 52))


def insights(*statements: str) -> list[str]:
    return made.insights(*statements, documents=[add_document()], quote=QUOTE)


def say(at: AppTest, key: str) -> AppTest:
    """The button whose key begins so."""
    (button,) = (one for one in at.button if one.key and one.key.startswith(f"{key}-"))
    return button.click().run()


def ticks(at: AppTest) -> list[str]:
    return [box.key for box in at.checkbox if box.key and box.key.startswith("tick-")]


def verdicts() -> list[str | None]:
    return [row["verdict"] for row in rows("SELECT verdict FROM pair ORDER BY id")]


def sides(at: AppTest) -> list[str]:
    assert not at.exception
    return [one.proto.body for one in at.get("html") if "marked-text" in one.proto.body]


def test_without_pairs_the_page_says_what_would_stand_there() -> None:
    at = show("review")
    assert review_words.EMPTY["merge"] in words(at)
    assert "Insights" in {one.label for one in at.button}
    assert review_words.EMPTY["over_time"] in words(show("review", kind="over_time"))
    assert review_words.NONE_SETTLED in words(show("review", state="settled"))


@pytest.mark.parametrize(("statements", "suggested"), [(SAME[:2], ["same"]), (PRICES[:2], [])])
def test_to_merge_what_differs_in_what_matters_is_not_suggested(
    statements: tuple[str, ...], suggested: list[str]
) -> None:
    one, other = insights(*statements)
    made.pair(one, other, "merge")
    at = show("review")
    primary = [one.key.partition("-")[0] for one in at.button if one.key and one.proto.type == "primary"]
    assert primary == suggested


def test_both_sides_stand_there_with_quotes_the_words_that_differ_and_a_key_for_each_verdict() -> None:
    one, other, *_ = insights(*PRICES)
    made.pair(one, other)
    at = show("review")
    assert [kind.count for kind in review_report.open_counts().values()] == [1, 0, 0]
    left, right = sides(at)
    assert ">48,000 euros</mark>" in left + right
    assert ">52,000 euros</mark>" in left + right
    assert words(at).count("stands there word for word") == 2
    assert "Open in report\\.txt" in links(at)
    assert "They differ in a figure." in words(at)
    shortcuts = [one.proto.shortcut.upper() for one in at.button if one.proto.shortcut]
    assert shortcuts == ["S", "D", "X", "T", "M", "L", "N"]


def test_same_merges_into_the_wording_that_is_chosen_and_is_undone() -> None:
    one, other, _ = insights(*SAME)
    made.pair(one, other, "merge")
    at = show("review")
    radio = next(each for each in at.radio if each.key and each.key.startswith("keep-"))
    at = radio.set_value(radio.options.index(formats.plain(SAME[1]))).run()
    at = say(at, "same")
    assert report.get(one).head == other
    assert "1 pair settled: the same." in words(at)
    at = at.button(key="undo-review").click().run()
    assert report.get(one).head is None
    assert "1 insight stands alone again" in words(at)
    assert [item.state for item in review_report.items().items] == ["open"]
    assert sides(at)
    say(at, "same")
    at = show("review", kind="merge", state="settled")
    assert "Settled as the same, on the insights pages" in words(at)
    at = press(at, "Undo")
    assert "it is open again" in words(at)
    assert report.get(one).head is report.get(other).head is None
    assert [item.state for item in review_report.items().items] == ["open"]


@pytest.mark.parametrize(("verdict", "told"), [("different", "different."), ("conflict", "Both insights show it.")])
def test_each_verdict_is_undone_where_it_was_said(verdict: str, told: str) -> None:
    one, other, *_ = insights(*PRICES)
    made.pair(one, other)
    at = say(show("review"), verdict)
    assert told in words(at)
    assert review_report.items(state="settled").items
    at = at.button(key="undo-review").click().run()
    assert "1 pair is open again." in words(at)
    assert [item.state for item in review_report.items().items] == ["open"]
    assert sides(at)


def test_who_says_more_is_not_said_of_another_insight() -> None:
    """Where what is shown was merged into another one by somebody else."""
    one, other, third, *_ = insights(*SAME)
    made.pair(one, other, "merge")
    at = show("review")
    (shown,) = review_report.next_ones("merge", most=1)
    merging.merge(third, [shown.a.id], force=True)
    say(at, "more")
    assert review_report.items(state="settled").items == ()


def test_a_merge_that_is_refused_says_why_and_can_be_forced() -> None:
    one, other, *_ = insights(*PRICES)
    made.pair(one, other, "merge")
    at = say(show("review"), "same")
    assert verdicts() == [None]
    assert "They may not say the same: their figures differ." in words(at)
    assert "Nothing was settled. 1 pair stays open." in words(at)
    at = say(at, "force")
    assert verdicts() == ["same"]
    assert {report.get(one).head, report.get(other).head} - {None}


@pytest.mark.parametrize("verdict", ["different", "conflict", "over_time"])
def test_a_verdict_is_settled_and_the_next_pair_shows(verdict: str) -> None:
    one, other, third, fourth = insights(*PRICES)
    made.pair(one, other)
    made.pair(third, fourth)
    at = say(show("review"), verdict)
    assert sorted(map(str, verdicts())) == ["None", verdict]
    assert len(sides(at)) == 2
    assert "1 pair settled" in words(at)


@pytest.mark.parametrize("turned", [False, True])
def test_what_says_more_is_told_of_the_side_that_stands_first(turned: bool) -> None:
    ids = sorted(insights(*SAME[:2]))
    made.pair(ids[0], ids[1], "merge")
    change("UPDATE insight SET support = 9 WHERE id = :id", id=ids[1 if turned else 0])
    say(show("review"), "more")
    assert verdicts() == ["less" if turned else "more"]


def test_others_of_its_kind_stand_beside_a_pair_but_what_was_left_for_later() -> None:
    one, other, third = sorted(insights(*SAME))  # of equally supported ones the first stands first
    made.pair(one, other, "merge")
    made.pair(one, third)
    assert [len(review_report.next_ones(kind, most=5)) for kind in ("merge", "conflict")] == [1, 1]
    change("UPDATE pair SET kind = 'merge'")
    assert [len(review_report.next_ones("merge", most=most)) for most in (1, 5)] == [1, 2]
    left = next(item for item in review_report.items().items if third in (item.a.id, item.b.id))
    review.settle(left.id, "later")
    (only,) = review_report.next_ones("merge", most=5)
    assert {only.a.id, only.b.id} == {one, other}


def test_what_is_left_for_later_comes_last() -> None:
    one, other, third, fourth = insights(*PRICES)
    made.pair(one, other)
    made.pair(third, fourth)
    first = review_report.items().items[0].id
    at = say(show("review"), "later")
    assert "1 pair left for later." in words(at)
    assert [item.id for item in review_report.items().items][1] == first
    assert not [button for button in at.button if button.key == f"same-{first}"]


def test_of_several_candidates_one_can_be_left_out() -> None:
    head, *others = insights(*SAME)
    for other in others:
        made.pair(head, other, "merge")
    change("UPDATE insight SET support = 9 WHERE id = :id", id=head)
    at = show("review")
    first, second = ticks(at)
    for key in (first, second):
        at = at.checkbox(key=key).check().run()
    assert "Different (2)" in words(at)
    say(at.checkbox(key=second).uncheck().run(), "different")
    assert [f"tick-{item.id}" for item in review_report.items().items] == [second]


def test_several_become_one_in_the_wording_of_a_candidate_and_are_undone_as_one() -> None:
    head, *others = insights(*SAME)
    for other in others:
        made.pair(head, other, "merge")
    change("UPDATE insight SET support = 9 WHERE id = :id", id=head)
    at = show("review")
    for key in ticks(at):
        at = at.checkbox(key=key).check().run()
    radio = next(each for each in at.radio if each.key and each.key.startswith("keep-"))
    at = say(radio.set_value(1).run(), "same")
    heads = [row["head_id"] for row in rows("SELECT head_id FROM insight")]
    assert sorted(map(bool, heads)) == [False, True, True]
    assert head not in heads
    at.button(key="undo-review").click().run()
    assert not any(row["head_id"] for row in rows("SELECT head_id FROM insight"))


def test_all_that_differ_only_like_it_are_settled_at_once() -> None:
    one, other, third, fourth = insights(*PRICES)
    made.pair(one, other)
    made.pair(third, fourth)
    change("UPDATE pair SET alike = 7")
    at = show("review")
    (box,) = (box for box in at.checkbox if box.label == "All 2 pairs that differ in just this way")
    at = say(box.check().run(), "conflict")
    assert verdicts() == ["conflict", "conflict"]
    assert "2 pairs settled: a conflict." in words(at)


def test_a_collection_stands_in_the_link_and_leaves_the_others_out() -> None:
    one, other, third, fourth = insights(*PRICES)
    made.pair(one, other)
    made.pair(third, fourth)
    there = add_document("Another text. Roofs cost more.", "b.txt", "roofs")
    made.insights(*PRICES[2:], documents=[there], quote="Roofs cost more.")
    assert "Conflicts (2)" in str(show("review").get("button_group"))
    at = show("review", collection="roofs")
    assert all("Roofs" in side for side in sides(at))
    assert "Conflicts (1)" in str(at.get("button_group"))
    at = say(at, "different")
    assert review_words.EMPTY["conflict"] in words(show("review", collection="roofs", kind="conflict"))
    assert len(review_report.items().items) == 1


def test_insights_and_the_overview_lead_to_what_is_open() -> None:
    one, other, third, fourth = insights(*PRICES)
    assert not any("To review" in label for page in ("insights", "overview") for label in links(show(page)))
    made.pair(one, other)
    made.pair(one, third, "merge")
    made.pair(one, fourth, "merge")
    told = "To review: 1 conflict, 2 pairs that are alike"
    assert links(show("insights"))[told] == "review?"
    assert formats.plain(told) in links(show("overview"))


def test_the_kind_stands_in_the_link_and_what_is_gone_is_told() -> None:
    one, other, third, _ = insights(*PRICES)
    made.pair(one, other)
    made.pair(one, third, "over_time")
    at = show("review", kind="over_time")
    assert any("Roofs" in side for side in sides(at))
    pair = review_report.items(kind="over_time").items[0].id
    review.settle(pair, "different")
    at = say(at, "over_time")
    assert "This pair was settled as" in words(at)
    assert merging.merges().items == ()
    with db.transaction() as session:
        assert db.scalar(session, "SELECT count(*) FROM pair WHERE state = 'open'") == 1
