"""A pair is settled once, by a person, and what follows from it is counted."""

from typing import Any

import pytest

from core.access import actor
from core.errors import Conflict, InvalidInput, NotFound
from core.insight_base import counts, writing
from core.insight_base.writing import Finding, Source
from core.insights import comparing, history, merging, report, review, review_report
from core.insights.merging import MergeBlocked
from core.insights.review import AlreadySettled
from core.insights.similar import similar
from core.runtime import db, workspace
from tests.callers import by
from tests.pipeline import add_document, change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
ONE, OTHER = "The turbine manifold cracked at the weld.", "At its weld the manifold of the turbine has cracked."
CHEAP, DEAR = "The pump costs 300 euros.", "The pump costs 500 euros."


def say(statement: str, *documents: str, compared: bool = True, question: str | None = None) -> str:
    with db.transaction() as session:
        quotes = ("It works again.",)
        found = [(Source(one, 1, "key_points"), Finding(statement, quotes, {}, question)) for one in documents]
        writing.write(session, found)
    while compared and comparing.compare_some():
        pass
    return str(rows("SELECT id FROM insight WHERE statement = :s", s=statement)[0]["id"])


def only() -> str:
    (item,) = review_report.items().items
    return item.id


def confidences() -> list[float]:
    return [row["confidence"] for row in rows("SELECT confidence FROM insight ORDER BY id")]


def pair_of(one: str, other: str, kind: str = "merge", **columns: Any) -> str:
    """A pair, as comparing would write it."""
    first, second = sorted((one, other))
    given = {"alike": None, "support": 0, "score": 0.5, **columns}
    pair_id = f"pair_{first[-6:]}{second[-6:]}"
    change(
        """INSERT INTO pair (id, workspace_id, first, second, kind, found_by, score, alike, support)
           VALUES (:id, 'ws_default', :first, :second, :kind, 'words', :score, :alike, :support)""",
        id=pair_id, first=first, second=second, kind=kind, **given,
    )  # fmt: skip
    return pair_id


def test_an_item_shows_both_sides_and_the_words_that_differ() -> None:
    here, there = ready_documents(2)
    cheap, dear = say(CHEAP, here), say(DEAR, there)
    (item,) = review_report.items(kind="conflict").items
    assert (item.kind, item.a.id, item.b.id, item.found_by, item.state) == ("conflict", cheap, dear, "shape", "open")
    assert [(one.kind, one.a, one.b) for one in item.differs] == [("figure", "300 euros", "500 euros")]
    assert (item.verdict, item.actor) == (None, None)
    assert review_report.items(kind="merge").items == ()
    assert review_report.items(state="settled").items == ()


def test_the_most_supported_come_first_page_by_page_and_those_for_later_last() -> None:
    documents = ready_documents(3)
    ids = [say(f"Statement {word}.", *documents[:n], compared=False) for n, word in enumerate("zabc") if n]
    few, some, many = ids
    late = pair_of(few, some)
    best = pair_of(some, many, support=1)
    second = pair_of(few, many, support=9)
    assert [item.id for item in review_report.items().items] == [best, second, late]
    review.settle(best, "later")
    assert [item.id for item in review_report.items().items] == [second, late, best]
    found, cursor = [], None
    for _ in range(3):
        page = review_report.items(limit=1, cursor=cursor)
        found += [item.id for item in page.items]
        cursor = page.next_cursor
    assert found == [second, late, best]
    assert cursor is None
    assert review_report.get(best).state == "open"
    with pytest.raises(InvalidInput):
        review_report.items(cursor="review-open~1~x~y")


def test_two_pairs_of_the_same_heads_show_once_and_are_settled_together() -> None:
    (document,) = ready_documents(1)
    head, member, other = (say(f"Statement {word}.", document, compared=False) for word in "abc")
    pair_of(head, other, score=0.9)
    conflict = pair_of(member, other, "conflict")
    merging.merge(head, [member], force=True)
    (item,) = review_report.items().items
    assert (item.id, item.kind, {item.a.id, item.b.id}) == (conflict, "conflict", {head, other})
    assert {kind: found.count for kind, found in review_report.open_counts().items() if found.count} == {
        "conflict": 1,
        "merge": 1,
    }
    pair_of(head, member)
    assert review_report.open_counts()["merge"] == report.Count(1, False)
    review.settle(conflict, "more")
    assert review_report.items().items == ()
    assert not any(found.count for found in review_report.open_counts().values())
    settled = {row["first"]: row["verdict"] for row in rows("SELECT first, verdict FROM pair WHERE verdict <> ''")}
    assert settled == {head: "more", member: "more"}


def test_the_verdict_of_a_pair_in_the_other_order_is_turned() -> None:
    (document,) = ready_documents(1)
    a, b, c = sorted(say(f"Statement {word}.", document, compared=False) for word in "abc")
    this = pair_of(a, b)
    pair_of(b, c)
    merging.merge(a, [c], force=True)
    review.settle(this, "more")
    assert {row["first"]: row["verdict"] for row in rows("SELECT first, verdict FROM pair")} == {a: "more", b: "less"}


def test_same_merges_and_its_undo_opens_the_pair_again() -> None:
    here, there = ready_documents(2)
    one, other = say(ONE, here), say(OTHER, there)
    pair = only()
    with actor.bound(by("Ada")):
        item = review.settle(pair, "same", keep=other)
    assert (item.state, item.verdict, item.actor, {item.a.id, item.b.id}) == ("settled", "same", "Ada", {one, other})
    assert (report.get(one).head, report.get(other).support) == (other, 2)
    assert review_report.items().items == ()
    (settled,) = review_report.items(state="settled").items
    assert settled.id == pair
    merging.unmerge(insight_id=one)
    change("UPDATE insight SET compared = false")
    while comparing.compare_some():
        pass
    (reopened,) = review_report.items().items
    assert (reopened.id, reopened.kind, reopened.verdict, reopened.actor) == (pair, "merge", None, None)
    (merge,) = merging.merges().items
    assert merging.unmerge(merge_id=merge.id).restored == ()
    review.settle(pair, "different")
    assert merging.unmerge(merge_id=merge.id).restored == ()
    assert review_report.get(pair).verdict == "different"


def test_the_undo_of_another_merge_leaves_a_pair_settled_and_a_conflict_halves_again() -> None:
    here, there = ready_documents(2)
    cheap, dear, third = say(CHEAP, here), say(DEAR, there), say("Bolts are new.", here, compared=False)
    review.settle(only(), "same", keep=cheap, force=True)
    merging.merge(third, [cheap], force=True)
    (_, ours) = merging.merges().items
    merging.unmerge(insight_id=cheap)
    assert (review_report.items().items, report.get(dear).head) == ((), cheap)
    assert report.get(cheap).confidence == 0.75
    merging.unmerge(merge_id=ours.id)
    assert [item.kind for item in review_report.items().items] == ["conflict"]
    assert [report.get(one).confidence for one in (cheap, dear)] == [0.25, 0.25]


def test_without_a_word_the_better_supported_wording_stays() -> None:
    here, there = ready_documents(2)
    one = say(ONE, here)
    other = say(OTHER, here, there)
    review.settle(only(), "same")
    assert (report.get(one).head, report.get(other).head) == (other, None)


def test_a_merge_of_what_differs_in_what_matters_is_refused_unless_forced() -> None:
    here, there = ready_documents(2)
    cheap, dear = say(CHEAP, here), say(DEAR, there)
    pair = only()
    with pytest.raises(MergeBlocked) as refused:
        review.settle(pair, "same", keep=cheap)
    assert refused.value.detail[0]["differs"] == [{"class": "figure", "a": "300 euros", "b": "500 euros"}]
    assert review_report.get(pair).state == "open"
    review.settle(pair, "same", keep=cheap, force=True)
    assert report.get(dear).head == cheap
    assert report.get(cheap).confidence == 0.75


@pytest.mark.parametrize("verdict", ["different", "over_time", "more", "conflict"])
def test_a_settled_conflict_halves_no_more_and_counts_against_where_it_is_one(verdict: Any) -> None:
    here, there = ready_documents(2)
    cheap, dear = say(CHEAP, here), say(DEAR, there)
    assert confidences() == [0.25, 0.25]
    with actor.bound(by("Ada")):
        item = review.settle(only(), verdict)
    assert confidences() == [0.5, 0.5]
    assert (report.get(cheap).open_conflicts, report.get(cheap).against) == (0, int(verdict == "conflict"))
    assert item.kind == ("over_time" if verdict == "over_time" else "conflict")
    entries = [history.of_insight(one).items[0] for one in (cheap, dear)]
    assert [(one.action, one.actor, one.after["verdict"]) for one in entries] == [
        ("review", "Ada", verdict),
        ("review", "Ada", "less" if verdict == "more" else verdict),
    ]
    ids = [cheap, dear]
    before = rows("SELECT * FROM insight ORDER BY id")
    with db.transaction() as session:
        counts.recount(session, ids)
    assert rows("SELECT * FROM insight ORDER BY id") == before


def test_two_that_seemed_the_same_may_be_in_conflict() -> None:
    here, there = ready_documents(2)
    one, other = say(ONE, here), say(OTHER, there)
    review.settle(only(), "conflict")
    assert [(found.against, found.open_conflicts) for found in map(report.get, (one, other))] == [(1, 0), (1, 0)]


def test_what_is_in_conflict_with_a_merged_wording_counts_against_the_whole() -> None:
    here, there, third = ready_documents(3)
    head, dear = say("Mending it was cheap.", here), say(DEAR, there)
    cheap = say(CHEAP, third)
    merging.merge(head, [cheap], force=True)
    assert [one.against for one in map(report.get, (head, dear))] == [1, 2]


def test_a_second_verdict_is_refused_and_the_same_one_harmless() -> None:
    here, there = ready_documents(2)
    say(ONE, here), say(OTHER, there)
    pair = only()
    first = review.settle(pair, "different")
    assert review.settle(pair, "different") == first
    for verdict in ("same", "later", "more"):
        with pytest.raises(AlreadySettled):
            review.settle(pair, verdict)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        review.settle("pair_none", "same")


def test_what_is_one_by_now_cannot_be_different_and_keep_is_one_of_both() -> None:
    here, there = ready_documents(2)
    one, other = say(ONE, here), say(OTHER, there)
    pair = only()
    with pytest.raises(InvalidInput):
        review.settle(pair, "same", keep="ins_none")
    merging.merge(one, [other], force=True)
    assert review_report.items().items == ()
    with pytest.raises(Conflict):
        review.settle(pair, "different")
    assert review.settle(pair, "same").verdict == "same"


def test_candidates_are_all_of_one_head() -> None:
    (document,) = ready_documents(1)
    head, member, b, c = (say(f"Statement {word}.", document, compared=False) for word in "abcd")
    pair_of(head, b, score=0.4)
    pair_of(member, c, score=0.6)
    pair_of(b, c)
    merging.merge(head, [member], force=True)
    found = review_report.candidates(member)
    assert [(item.a.id, item.b.id) for item in found] == [(head, c), (head, b)]


def test_all_that_differ_only_like_this_are_settled_at_once() -> None:
    here, there = ready_documents(2)
    names = ("Arbor Works", "Borealis Works", "Citrine Works")
    for name in names:
        say(f"{name} Ltd closed its harbour depot.", here, compared=False)
        say(f"{name} Limited-Liability closed its harbour depot.", there, compared=False)
    say("Dune Works Inc closed its harbour depot.", here)
    found = {(item.a.statement[:5], item.b.statement[:5]): item for item in review_report.items().items}
    pair = found["Arbor", "Arbor"].id
    alike = review_report.alike(pair)
    assert [one.id for one in review_report.alike(pair, "elsewhere")] == [pair]
    assert alike[0].id == pair
    assert {item.id for item in alike} == {found[name[:5], name[:5]].id for name in names}
    kept = next(side.id for side in (alike[0].a, alike[0].b) if "Liability" in side.statement)
    settled = review.settle_alike(pair, "same", kept, force=True)
    assert (set(settled.settled), settled.refused) == ({item.id for item in alike}, ())
    left = {row["statement"] for row in rows("SELECT statement FROM insight WHERE head_id IS NULL")}
    assert not any(name in one and "Ltd" in one for name in names for one in left)


def test_what_alike_pairs_are_refused_stay_open() -> None:
    here, there = ready_documents(2)
    for town in ("harbour", "mountain"):
        say(f"The {town} lamp costs 300 euros.", here, compared=False)
        say(f"The {town} lamp costs 500 euros.", there)
    conflicts = review_report.items(kind="conflict").items
    settled = review.settle_alike(conflicts[0].id, "same")
    assert (settled.settled, len(settled.refused)) == ((), 2)
    assert len(review_report.items(kind="conflict").items) == 2
    mirrored = review.settle_alike(conflicts[0].id, "less")
    assert len(mirrored.settled) == 2
    assert {row["verdict"] for row in rows("SELECT verdict FROM pair WHERE kind = 'conflict'")} == {"less"}


def test_what_looks_like_a_dismissed_one_says_so_until_it_is_settled() -> None:
    here, there = ready_documents(2)
    dismissed = say(ONE, here)
    change("UPDATE insight SET state = 'dismissed'")
    new = say(OTHER, there)
    assert review_report.looks_like_dismissed([dismissed, new]) == {new: [dismissed]}
    review.settle(only(), "different")
    assert review_report.looks_like_dismissed([new]) == {}


def test_a_collection_shows_pairs_of_which_both_sides_are_in_it() -> None:
    here, there = add_document(collection="letters"), add_document("Another text. It works again.", "b.txt", "mails")
    say(ONE, here), say(OTHER, there)
    assert len(review_report.items().items) == 1
    one = review_report.items().items[0].a.id

    def letters() -> list[int]:
        open_ = review_report.open_counts("letters")["merge"].count
        return [
            len(review_report.items(collection="letters").items),
            len(review_report.candidates(one, "letters")),
            open_,
        ]

    assert letters() == [0, 0, 0]
    say(OTHER, here)
    assert letters() == [1, 1, 1]
    review.settle(only(), "different")
    assert len(review_report.items(collection="letters", state="settled").items) == 1
    assert review_report.items(collection="mails", state="settled").items == ()


def test_settled_ones_come_newest_first_page_by_page() -> None:
    (document,) = ready_documents(1)
    ids = [say(f"Statement {word}.", document, compared=False) for word in "abc"]
    pairs = [pair_of(ids[0], ids[1]), pair_of(ids[1], ids[2]), pair_of(ids[0], ids[2])]
    for pair in pairs:
        review.settle(pair, "different")
    first = review_report.items(state="settled", limit=2)
    second = review_report.items(state="settled", limit=2, cursor=first.next_cursor)
    assert [item.id for item in (*first.items, *second.items)] == pairs[::-1]


def test_nothing_of_review_crosses_to_another_workspace() -> None:
    here, there = ready_documents(2)
    one = say(ONE, here)
    say(OTHER, there)
    pair = only()
    with workspace.bound("ws_other"):
        assert review_report.items().items == review_report.items(state="settled").items == ()
        assert review_report.looks_like_dismissed([one]) == {}
        for crossing in (
            lambda: review_report.get(pair),
            lambda: review_report.alike(pair),
            lambda: review_report.candidates(one),
            lambda: review.settle(pair, "same"),
            lambda: similar(one),
        ):
            with pytest.raises(NotFound):
                crossing()


def test_similar_finds_at_the_moment_what_is_not_proposed() -> None:
    here, there = ready_documents(2)
    one, other = say(ONE, here), say(OTHER, there)
    review.settle(only(), "different")
    new = say("The manifold of the turbine cracked near the weld.", here, compared=False)
    cracked = say("The turbine house is painted.", there)
    found = similar(new)
    assert [each.insight.id for each in found[:2]] in ([one, other], [other, one])
    assert cracked in [each.insight.id for each in found]
    assert found[0].score > 0.7 > found[-1].score
    assert [each.insight.id for each in similar(new, 1)] == [found[0].insight.id]
    merging.merge(one, [other], force=True)
    assert other not in [each.insight.id for each in similar(new)]
    assert one not in [each.insight.id for each in similar(other)]
    with pytest.raises(NotFound):
        similar("ins_none")


def entries(insight: str) -> list[tuple[str, dict[str, Any]]]:
    return [(one.action, one.after) for one in history.of_insight(insight).items]


@pytest.mark.parametrize("verdict", ["conflict", "different", "over_time", "more"])
def test_what_was_said_of_a_pair_is_taken_back(verdict: Any) -> None:
    cheap, dear = (say(words, document) for words, document in zip((CHEAP, DEAR), ready_documents(2), strict=True))
    before, pair = confidences(), only()
    review.settle(pair, verdict)
    assert confidences() != before or verdict == "conflict"
    item = review.take_back(pair)
    assert (item.state, item.kind, item.verdict, item.actor) == ("open", "conflict", None, None)
    assert (confidences(), only()) == (before, pair)
    for one in (cheap, dear):
        assert entries(one)[0] == ("review", {"pair": pair, "kind": "conflict"})
    (entry,) = rows("SELECT action, before FROM audit_entry ORDER BY id DESC LIMIT 1")
    assert entry == {"action": "insight.reopen", "before": {"verdict": verdict, "pairs": 1}}
    # It can be settled anew, and what is open stays as it is.
    review.take_back(pair)
    assert review.settle(pair, "less").verdict == "less"
    with pytest.raises(NotFound, match="no pair"):
        review.take_back("pair_none")


def test_a_merge_that_a_verdict_made_is_undone_with_it() -> None:
    one, other = (say(words, document) for words, document in zip((ONE, OTHER), ready_documents(2), strict=True))
    pair = only()
    review.settle(pair, "same", one)
    assert report.get(other).head == one
    assert review.take_back(pair).state == "open"
    assert (report.get(one).head, report.get(other).head, only()) == (None, None, pair)


def test_pairs_that_were_settled_at_once_are_taken_back_only_between_the_same_two() -> None:
    for words, document in zip((CHEAP, DEAR, ONE), ready_documents(3), strict=True):
        say(words, document)
    (conflict,) = (item.id for item in review_report.items(kind="conflict").items)
    every = {row["id"] for row in rows("SELECT id FROM pair")}
    assert len(every) > 1
    with db.transaction() as session:
        for one in sorted(every):
            review.settle_within(session, one, "different")
    review.take_back(conflict)
    assert {row["id"] for row in rows("SELECT id FROM pair WHERE state = 'open'")} == {conflict}
