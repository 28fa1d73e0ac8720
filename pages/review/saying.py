"""What a person says of pairs, carried out; what came of it, with its undo; and what was refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import Conflict, InvalidInput, NotFound
from core.insights import merging, review, review_report
from core.insights.merging import MergeBlocked
from core.insights.review import Said, Settled
from core.insights.review_report import Item
from core.tables.insights import Verdict
from pages.parts.insight import acting
from pages.words import review as words

DONE, REFUSED = "review_done", "review_refused"


@dataclass(frozen=True)
class Which:
    """The pairs, with the head as `a`. `keep`: whose wording stays. `alike`: 0, or how many more than these are meant
    since they differ only like the one, in `collection` if one is chosen."""

    head: str
    pairs: Sequence[Item]
    keep: str
    alike: int
    collection: str | None


@dataclass(frozen=True)
class Done:
    """What came of a verdict, or, without one, of undoing it: for `number` pairs, or insights that were merged. It is
    undone by its `merges` or `pairs`."""

    verdict: Said | None
    number: int
    refused: int = 0
    merges: Sequence[str] = ()
    pairs: Sequence[str] = ()
    of_merges: bool = False


def say(which: Which, verdict: Said, *, force: bool = False) -> None:
    """For a button. What a merge is refused for stays open, and says why."""
    st.session_state.pop(REFUSED, None)

    def act() -> None:
        before = _newest()
        meant = review_report.alike(which.pairs[0].id, which.collection) if which.alike else which.pairs
        if which.alike and verdict != "later":
            (this,) = which.pairs
            said = _turned(this, verdict)
            found = review.settle_alike(this.id, said, which.keep, force=force, collection=which.collection)
        else:
            found = _each(which, verdict, force)
        merges = _merges_since(before, meant) if verdict == "same" else []
        pairs = found.settled if verdict not in ("same", "later") else ()
        st.session_state[DONE] = Done(verdict, len(found.settled), len(found.refused), merges, pairs)
        st.session_state[REFUSED] = set(found.refused)

    acting.attempt(act)


def take_back(pair_id: str) -> None:
    """For a button."""
    acting.attempt(lambda: review.take_back(pair_id), words.TAKEN_BACK)


def is_refused(pair_id: str) -> bool:
    return pair_id in st.session_state.get(REFUSED, ())


def _each(which: Which, verdict: Said, force: bool) -> Settled:
    """The pair whose wording stays comes first: the others then meet that one."""
    settled: list[str] = []
    refused: list[str] = []
    for pair in sorted(which.pairs, key=lambda one: one.b.id != which.keep):
        keep = which.keep if verdict == "same" else None
        if refused and keep not in (None, which.head):
            refused.append(pair.id)
            continue
        try:
            said: Said = verdict if verdict == "later" else _turned(pair, verdict)
            review.settle(pair.id, said, keep, force=force)
        except (MergeBlocked, Conflict, InvalidInput, NotFound) as error:
            if len(which.pairs) == 1 and not isinstance(error, MergeBlocked):
                raise
            refused.append(pair.id)
        else:
            settled.append(pair.id)
    return Settled(tuple(settled), tuple(refused))


def _turned(pair: Item, verdict: Verdict) -> Verdict:
    """As it is said of the pair, which may have the head as `b`. Raises Conflict where that is neither by now."""
    if verdict not in review_report.MIRRORED:
        return verdict
    now = review_report.get(pair.id)
    if pair.a.id not in (now.a.id, now.b.id):
        raise Conflict("One of the two was merged into another insight meanwhile. Look at the pair again.")
    return verdict if now.a.id == pair.a.id else review_report.MIRRORED[verdict]


def _newest() -> str:
    return next((one.id for one in merging.merges(limit=1).items), "")


def _merges_since(before: str, meant: Iterable[Item]) -> list[str]:
    """Those of these insights; others may merge at the same time."""
    ours = {side for one in meant for side in (one.a.id, one.b.id)}
    found = merging.merges(undone=False, limit=review_report.MOST_ALIKE).items
    return [one.id for one in found if one.id > before and ours & {one.head, *one.members}]


def show_done() -> None:
    """What came of the last verdict, and the button that undoes it as one."""
    done: Done | None = st.session_state.get(DONE)
    if done is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="review-done"):
        if done.verdict:
            said = words.done(done.verdict, done.number, done.refused)
        else:
            said = words.undone(done.number) if done.of_merges else words.reopened(done.number)
        st.markdown(f":material/{'done' if done.number else 'info'}: {said}")
        if done.merges or done.pairs:
            undo = lambda: acting.attempt(lambda: _undo(done))  # noqa: E731
            st.button("Undo", icon=":material/undo:", shortcut="U", key="undo-review", on_click=undo)
        st.button("Close", type="tertiary", key="hide-review", on_click=lambda: st.session_state.pop(DONE, None))


def _undo(done: Done) -> None:
    for pair in done.pairs:
        review.take_back(pair)
    restored = sum(len(merging.unmerge(merge_id=one).restored) for one in done.merges)
    st.session_state[DONE] = Done(None, restored or len(done.pairs), of_merges=bool(done.merges))
