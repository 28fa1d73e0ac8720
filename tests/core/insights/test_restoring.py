"""Whatever is done in whatever order: counts are those of the evidence, and what is undone is as it was."""

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as some

from core.documents import deletion
from core.insights import life, merging
from core.insights.life import Change, Set, Undone
from core.insights.report import Filters
from tests import emptying
from tests.core.insights.world import (
    QUOTE,
    STATEMENTS,
    TEXTS,
    contradict,
    document,
    everything,
    judge,
    of_people,
    say,
    states,
)
from tests.pipeline import rows

STATES: Any = ("new", "confirmed", "dismissed")
NUMBER = some.integers(0, 1 << 16)


class World:
    """Each action takes numbers, by which it chooses of what is there."""

    def __init__(self) -> None:
        self.documents: dict[int, str] = {}
        self.changes: list[str] = []
        self.gone: dict[str, str] = {}

    def insights(self) -> list[str]:
        return [row["id"] for row in rows("SELECT id FROM insight ORDER BY exact_key")]

    def one(self, number: int, *, heads: bool = False) -> str | None:
        found = rows(f"SELECT id FROM insight WHERE {'head_id IS NULL' if heads else 'true'} ORDER BY exact_key")
        return found[number % len(found)]["id"] if found else None

    def say(self, a: int, b: int, c: int) -> None:
        place = a % len(TEXTS)
        if place not in self.documents:
            self.documents[place] = document(TEXTS[place])
        known = states()
        said = {STATEMENTS[b % len(STATEMENTS)], STATEMENTS[c % len(STATEMENTS)]}
        say(self.documents[place], said, QUOTE if (a + b) % 3 else "Nobody said that ever.", response=c % 5)
        for key, state in states().items():
            if key not in known:
                assert state == self.gone.get(key, "new"), "a decision was forgotten"

    def delete(self, a: int, b: int, c: int) -> None:
        if self.documents:
            deletion.delete(self.documents.pop(sorted(self.documents)[a % len(self.documents)]))

    def merge(self, a: int, b: int, c: int) -> None:
        one, other, third = (self.one(number) for number in (a, b, c))
        if not one or not other or not third:
            return
        before = everything()
        made = merging.merge(one, [other, third], force=True)
        if made.id:
            assert of_people() == {row["id"]: row for row in map(without_heads, before[0])}
            judge()
            merging.unmerge(merge_id=made.id)
            assert everything() == before, "not restored exactly"
            merging.merge(one, [other, third], force=True)

    def unmerge(self, a: int, b: int, c: int) -> None:
        merges = rows("SELECT id FROM merge ORDER BY id")
        if merges:
            merge_id = merges[a % len(merges)]["id"]
            made = of_people()
            merging.unmerge(merge_id=merge_id)
            assert of_people().items() <= made.items()
            known = everything()
            assert merging.unmerge(merge_id=merge_id).restored == ()
            assert everything() == known

    def take_out(self, a: int, b: int, c: int) -> None:
        if one := self.one(a):
            merging.unmerge(insight_id=one)
            assert rows("SELECT 1 FROM insight WHERE id = :id AND head_id IS NOT NULL", id=one) == []

    def decide(self, a: int, b: int, c: int) -> None:
        if one := self.one(a, heads=True):
            life.change(one, Change(STATES[b % 3], tags=["one", "two"][: c % 3], pinned=bool(c % 2)))

    def change_many(self, a: int, b: int, c: int) -> None:
        which = Filters(state=STATES[a % 3]) if a % 2 else [one for one in (self.one(b), self.one(c)) if one]
        before = everything()
        done = life.bulk(which, Set(STATES[b % 3], add_tags=["many"], remove_tags=["ONE"]))
        if done.change:
            judge()
            assert life.undo(done.change) == Undone(done.changed, 0)
            assert [without_version(row) for row in rows("SELECT * FROM insight ORDER BY id")] == [
                without_version(row) for row in before[0]
            ]
            assert everything()[1:] == before[1:]
            assert life.undo(done.change) == Undone(0, 0)
            again = life.bulk(which, Set(STATES[b % 3], add_tags=["many"], remove_tags=["ONE"]))
            self.changes.append(str(again.change))

    def undo(self, a: int, b: int, c: int) -> None:
        if self.changes:
            change = self.changes[a % len(self.changes)]
            if rows("SELECT 1 FROM insight_change WHERE change_id = :change", change=change):
                left = life.undo(change).skipped
                assert life.undo(change) == Undone(0, left)

    def contradict(self, a: int, b: int, c: int) -> None:
        one, other = self.one(a), self.one(b)
        if one and other and one != other:
            contradict(one, other)


def without_heads(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "version", "state", "reason", "shown", "tags", "pinned")}


def without_version(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "version"}


ACTIONS: tuple[Callable[[World, int, int, int], None], ...] = (
    World.say,
    World.say,
    World.say,
    World.delete,
    World.merge,
    World.merge,
    World.unmerge,
    World.take_out,
    World.decide,
    World.change_many,
    World.undo,
    World.contradict,
)


def test_counts_are_those_of_the_evidence_and_what_is_undone_is_as_it_was(database: str) -> None:
    actions = some.lists(
        some.tuples(some.sampled_from(ACTIONS), NUMBER, NUMBER, NUMBER), min_size=LEAST_ACTIONS, max_size=30
    )

    # Shrinking takes minutes: it is for whoever looks for the reason.
    @hypothesis.settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @hypothesis.given(actions)
    def holds(given: list[tuple[Callable[[World, int, int, int], None], int, int, int]]) -> None:
        emptying.empty(database)
        world = World()
        for number in range(4):
            world.say(number, number, number + 1)
        for action, a, b, c in given:
            before = states()
            action(world, a, b, c)
            judge()
            after = states()
            world.gone |= {key: state for key, state in before.items() if key not in after}

    holds()


EXAMPLES, LEAST_ACTIONS = 6, 10
