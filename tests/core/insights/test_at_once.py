"""Two that change the same insights at once: as if one had come after the other, and neither waits for ever."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

import pytest
from sqlmodel import Session

from core.documents import deletion
from core.errors import Conflict, NotFound
from core.insight_base import text_groups, writing
from core.insight_base.writing import Finding, Source
from core.insights import life, merging
from core.insights.life import Change, Set
from core.insights.merging import Merge
from core.insights.report import Filters
from core.runtime import db
from tests.core.insights.world import QUOTE, TEXTS, contradict, document, id_of, judge, say
from tests.pipeline import PATIENCE_S, WAITS_FOR_A_LOCK, rows, until_now

pytestmark = pytest.mark.usefixtures("database")
T = TypeVar("T")
ANN, BEN, CID = "Ann works.", "Ben works.", "Cid works."


@dataclass
class Others:
    """What is done here waits for what `first` has changed."""

    threads: ThreadPoolExecutor
    begun: list[Future[Any]] = field(default_factory=list)

    def do(self, work: Callable[..., T], *given: Any, **named: Any) -> Callable[[], T]:
        """Returns what waits for it and gives what came of it."""
        begun = self.threads.submit(work, *given, **named)
        self.begun.append(begun)
        return lambda: begun.result(PATIENCE_S)


@contextmanager
def first(does: Callable[[Session], object]) -> Iterator[Others]:
    """Commits once all others wait."""
    with ThreadPoolExecutor() as threads, db.transaction() as session:
        does(session)
        others = Others(threads)
        yield others
        until_now(lambda: len(rows(WAITS_FOR_A_LOCK)) >= len(others.begun))


def merging_first(into: str, *ids: str) -> Callable[[Session], object]:
    return lambda session: merging.merge_within(session, into, ids, force=True)


def merge(into: str, *ids: str) -> Merge:
    return merging.merge(into, ids, force=True)


@pytest.fixture
def places(database: str) -> tuple[str, str]:
    """Two documents that say the same three things."""
    made = document(TEXTS[0]), document(TEXTS[3])
    for one in made:
        say(one, [ANN, BEN, CID])
    return made


@pytest.mark.usefixtures("places")
def test_a_pair_and_its_mirror_are_merged_once() -> None:
    ann, ben = id_of(ANN), id_of(BEN)
    with first(merging_first(ann, ben)) as others:
        mirror = others.do(merge, ben, ann)
        same = others.do(merge, ann, ben)
    assert [one().id for one in (mirror, same)] == [None, None]
    assert rows("SELECT id, head_id FROM insight WHERE head_id IS NOT NULL") == [{"id": ben, "head_id": ann}]
    judge()


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("turned", [False, True])
def test_two_merges_that_share_an_insight_make_one_tree(turned: bool) -> None:
    ann, ben, cid = id_of(ANN), id_of(BEN), id_of(CID)
    into_ben, into_cid = (ben, ann), (cid, ben)
    earlier, later = (into_cid, into_ben) if turned else (into_ben, into_cid)
    with first(merging_first(*earlier)) as others:
        second = others.do(merge, *later)
    assert second().into == cid
    assert {row["head_id"] for row in rows("SELECT head_id FROM insight")} == {None, cid}
    judge()


@pytest.mark.usefixtures("places")
def test_a_merge_and_its_undoing_that_wait_for_one_another_leave_nothing_half_done() -> None:
    ann, ben, cid = id_of(ANN), id_of(BEN), id_of(CID)
    made = merge(ben, ann)
    with first(lambda session: merging.unmerge_within(session, merge_id=made.id)) as others:
        again = others.do(merging.unmerge, merge_id=made.id)
        more = others.do(merge, cid, ann)
    assert again().restored == ()
    assert more().id
    assert rows("SELECT id, head_id FROM insight WHERE head_id IS NOT NULL") == [{"id": ann, "head_id": cid}]
    judge()


def test_what_is_said_of_an_insight_while_it_is_merged_counts_for_its_head(places: tuple[str, str]) -> None:
    third = document(TEXTS[4])
    ann, ben = id_of(ANN), id_of(BEN)
    with first(merging_first(ann, ben)) as others:
        said = others.do(say, third, [BEN, "New and more."])
    said()
    assert rows("SELECT support FROM insight WHERE id = :id", id=ann) == [{"support": 3}]
    judge()


def test_an_insight_is_merged_after_what_is_just_being_said_of_it(places: tuple[str, str]) -> None:
    third = document(TEXTS[4])
    ann, ben = id_of(ANN), id_of(BEN)
    found = [(Source(third, 2, "key_points"), Finding(BEN, (QUOTE,), {}))]
    with first(lambda session: writing.write(session, found)) as others:
        merged = others.do(merge, ann, ben)
    assert merged().support_after == 3
    judge()


def test_documents_that_go_while_their_insights_are_merged_are_not_counted_for_the_head(
    places: tuple[str, str],
) -> None:
    ann, ben = id_of(ANN), id_of(BEN)
    with first(merging_first(ann, ben)) as others:
        gone = others.do(deletion.delete, places[0])
    gone()
    assert rows("SELECT support FROM insight WHERE id = :id", id=ann) == [{"support": 1}]
    judge()


def test_what_goes_while_it_is_to_be_merged_is_not_there(places: tuple[str, str]) -> None:
    say(places[0], ["Only here."])
    ann, only = id_of(ANN), id_of("Only here.")

    def deleting(session: Session) -> None:
        text_groups.lock(session)
        deletion.remove(session, [places[0]])

    with first(deleting) as others:
        merged = others.do(merge, ann, only)
    with pytest.raises(NotFound):
        merged()
    judge()


@pytest.mark.usefixtures("places")
def test_a_bulk_change_leaves_what_was_merged_meanwhile() -> None:
    ann, ben = id_of(ANN), id_of(BEN)
    with first(merging_first(ann, ben)) as others:
        done = others.do(life.bulk, Filters(state="new"), Set("confirmed"))
        one = others.do(life.change, ben, Change("dismissed"))
    assert done().changed == 2
    with pytest.raises(life.WasMerged):
        one()
    judge()


@pytest.mark.usefixtures("places")
def test_two_who_change_one_version_do_not_overwrite_each_other() -> None:
    ann = id_of(ANN)
    with ThreadPoolExecutor() as threads:
        changes = [threads.submit(life.change, ann, Change(tags=[str(n)]), 1) for n in range(2)]
    assert sorted(type(one.exception()).__name__ for one in changes) == ["NoneType", "Stale"]


@pytest.mark.parametrize("seed", range(2))
def test_much_at_once_waits_and_counts_right(places: tuple[str, str], seed: int) -> None:
    said = [ANN, BEN, CID, *(f"Number {n} works." for n in range(5))]
    documents = [*places, document(TEXTS[1]), document(TEXTS[4])]
    start = threading.Barrier(4)

    def work(number: int) -> None:
        random = Random(f"{seed} {number}")
        start.wait(PATIENCE_S)
        for turn in range(12):
            there = [row["id"] for row in rows("SELECT id FROM insight")]
            with suppress(NotFound, Conflict):  # somebody else was first
                act(random, turn, random.choice(there), random.choice(there))

    def act(random: Random, turn: int, one: str, other: str) -> None:
        match random.randrange(6):
            case 0:
                say(random.choice(documents), random.sample(said, 5), response=turn)
            case 1:
                merge(one, other)
            case 2:
                merging.unmerge(insight_id=one)
            case 3:
                life.bulk(Filters(min_support=1), Set(random.choice(["new", "dismissed"])))
            case 4 if one != other:
                contradict(one, other)
            case 5:
                deletion.delete(document_of(random.randrange(3)))

    def document_of(number: int) -> str:
        made = document(TEXTS[number])
        say(made, said[number:])
        return made

    with ThreadPoolExecutor() as threads:
        done = [threads.submit(work, number) for number in range(4)]
    assert [one.exception() for one in done] == [None] * 4
    judge()
