"""What is done to insights on pages: refusals in words, and a line that says what was done, with its undo."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.errors import CairnError
from core.insights import life, merging
from pages.common import failures
from pages.words import insights

LAST = "insights_done"


@dataclass(frozen=True)
class Done:
    """`what` with its `numbers` is said by pages.words.insights.done. `undo`: the change or the merge by which it is
    undone; None where nothing is to undo."""

    what: str
    numbers: tuple[int, ...]
    undo: str | None = None


def attempt(action: Callable[[], object], success: str = "") -> None:
    """Act, for a button. A refusal says what to do here."""

    def run() -> None:
        try:
            action()
        except CairnError as error:
            error.message = insights.ERRORS.get(error.code, error.message)
            raise

    failures.attempt(run, success)


def note(done: Done) -> None:
    """Say what was done, in place of what was said before."""
    st.session_state[LAST] = done


def show_done() -> None:
    """The last thing that was done to many, and the button that undoes it as one."""
    done: Done | None = st.session_state.get(LAST)
    if done is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="insights-done"):
        st.markdown(f":material/done: {insights.done(done.what, *done.numbers)}")
        if done.undo is not None:
            st.button("Undo", icon=":material/undo:", key="undo-done", on_click=lambda: attempt(lambda: _undo(done)))
        st.button("Close", type="tertiary", key="hide-done", on_click=lambda: st.session_state.pop(LAST, None))


def _undo(done: Done) -> None:
    assert done.undo is not None
    (undo_merge if done.what == "merged" else undo_change)(done.undo)


def undo_change(change: str) -> None:
    """All of it, also where it was one of many."""
    found = life.undo(change)
    note(Done("undone", (found.changed, found.skipped)))


def undo_merge(merge: str) -> None:
    note(Done("taken out", (len(merging.unmerge(merge_id=merge).restored),)))


def take_out(insight_id: str) -> None:
    note(Done("taken out", (len(merging.unmerge(insight_id=insight_id).restored),)))
