"""What is done to many insights: to the selected ones, or to all that match the filters, and undone as one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.insights import history, life
from core.insights.life import Set
from core.insights.report import Count, Filters, InsightRow
from core.tables.insights import State
from pages.common import formats
from pages.insights import export, merge
from pages.parts.insight import acting
from pages.words import insights

EVERY = "bulk_every"
# How often something was done: what was open for it is another thing then, and so is closed.
TIMES = "bulk_times"


# What asks for more before it is done.
ASKING = {"Dismiss": ":material/close:", "Tag": ":material/label:", "Pin": ":material/keep:"}


@dataclass(frozen=True)
class Which:
    """`rows`: those that are selected; `filters`: all that match, instead. `number`: how many these are."""

    rows: Sequence[InsightRow]
    filters: Filters | None
    number: Count
    clear: Callable[[], None]

    @property
    def none(self) -> bool:
        return self.filters is None and not self.rows


def bar(rows: Sequence[InsightRow], filters: Filters, total: Count, clear: Callable[[], None]) -> None:
    """The same buttons whatever is selected, so that the grid below them stays in its place. `clear` ends the
    selection."""
    every = st.session_state.get(EVERY, False)
    which = Which(rows, filters if every else None, total if every else Count(len(rows), False), clear)
    with st.container(horizontal=True, vertical_alignment="center"):
        confirm = partial(_decide, which, "confirmed")
        st.button(_numbered("Confirm", which), icon=":material/check:", disabled=which.none, on_click=confirm)
        for label, icon in ASKING.items():
            with st.popover(_numbered(label, which), icon=icon, disabled=which.none, key=_once(f"bulk-{label}")):
                # What cannot be opened is empty.
                if not which.none:
                    INSIDE[label](which)
        many = not every and len(rows) >= 2
        one = partial(merge.begin, [row.id for row in rows])
        st.button(
            f"Merge {len(rows):,}…" if many else "Merge…", icon=":material/merge:", disabled=not many, on_click=one
        )
        export.control([] if every else rows, filters, total)
        st.checkbox(f"All {insights.total(total)} that match", key=EVERY)


def _once(key: str) -> str:
    return f"{key}-{st.session_state.get(TIMES, 0)}"


def _numbered(action: formats.Markdown, which: Which) -> formats.Markdown:
    return action if which.none else f"{action} ({insights.total(which.number)})"


def _dismiss(which: Which) -> None:
    with st.form("bulk-dismissing", border=False, clear_on_submit=True):
        st.text_input("Reason", max_chars=life.LONGEST_REASON, placeholder="why, if you like", key="bulk_reason")
        st.caption("They are hidden from the list, and stay dismissed when they are found again.")

        def act() -> None:
            reason = st.session_state["bulk_reason"].strip()
            _decide(which, "dismissed", reason or None)

        st.form_submit_button(_numbered("Dismiss", which), type="primary", on_click=act)


def _tag(which: Which) -> None:
    known = sorted({*history.lately_given_tags(), *(tag for row in which.rows for tag in row.tags)}, key=str.casefold)
    with st.form("bulk-tagging", border=False, clear_on_submit=True):
        st.multiselect("Add", known, accept_new_options=True, placeholder="Type a tag", key="bulk_add")
        st.multiselect("Take off", known, accept_new_options=True, placeholder="Type a tag", key="bulk_remove")

        def act() -> None:
            given = Set(add_tags=st.session_state["bulk_add"], remove_tags=st.session_state["bulk_remove"])
            _carry_out(which, given, "tagged")

        st.form_submit_button(_numbered("Change tags", which), type="primary", on_click=act)


def _pin(which: Which) -> None:
    for label, pinned in (("Pin", True), ("Unpin", False)):
        pin = partial(_carry_out, which, Set(pinned=pinned), "pinned" if pinned else "unpinned")
        st.button(_numbered(label, which), key=f"bulk-{label}-{pinned}", on_click=pin)


INSIDE: Mapping[str, Callable[[Which], None]] = {"Dismiss": _dismiss, "Tag": _tag, "Pin": _pin}


def _decide(which: Which, state: State, reason: str | None = None) -> None:
    given = Set(state=state, reason=reason) if reason else Set(state=state)
    _carry_out(which, given, state)


def _carry_out(which: Which, given: Set, what: str) -> None:
    def act() -> None:
        found = life.bulk(which.filters or [row.id for row in which.rows], given)
        acting.note(acting.Done(what, (found.changed,), found.change))
        which.clear()
        st.session_state[EVERY] = False
        st.session_state[TIMES] = st.session_state.get(TIMES, 0) + 1

    acting.attempt(act)
