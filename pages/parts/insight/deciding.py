"""An insight as people see it, and what they can make of it: state, tags, pin, wording."""

from datetime import datetime
from functools import partial

import streamlit as st

from core.insights import history, life
from core.insights.life import Change
from core.insights.report import InsightRow
from core.runtime import db
from core.runtime.abreast import Group
from core.tables.insights import State
from pages.common import formats, widgets
from pages.parts.insight import acting
from pages.words import insights, instructions


def read(group: Group) -> None:
    """What is offered."""
    group.ahead(history.lately_given_tags)


def describe(row: InsightRow, now: datetime) -> None:
    """All that is known about it but its evidence."""
    if row.shown:
        st.caption(f":material/edit: Reworded by a person. The model said: “{formats.plain(row.statement)}”")
    if row.question:
        st.caption(f":material/help: Answers “{formats.plain(row.question)}”")
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.state_badge(row.state)
        if row.quarantined:
            st.badge("in quarantine", icon=":material/shield:", color="orange")
        if row.pinned:
            st.badge("pinned", icon=":material/keep:", color="orange")
        against = insights.against(row)
        if against:
            st.badge(against, icon=":material/call_split:", color="red")
        last: datetime | None = row.last_seen  # of one without evidence of its own there is none
        seen = f"first seen {formats.ago(row.first_seen, now)}, last {formats.ago(last, now)}"
        st.caption(
            f"{insights.known(row)} · {seen}", help=f"First {formats.exact(row.first_seen)}, last {formats.exact(last)}"
        )
    if row.state == "dismissed" and row.reason:
        st.caption(f"Dismissed because “{formats.plain(row.reason)}”")
    st.caption(insights.confidence(row))
    if row.quarantined:
        st.warning(instructions.OF_AN_INSIGHT, icon=":material/shield:")


def decide(row: InsightRow) -> None:
    """Keys carry the version: what was typed about an insight that has changed since is not kept."""
    at = f"{row.id}-{row.version}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if row.state != "confirmed":
            _set_state(row, "confirmed", ":material/check:")
        if row.state != "dismissed":
            opened = widgets.popover("Dismiss", f"dismiss-{at}", ":material/close:", typed_in=True)
            if opened is not None:
                with opened:
                    _dismiss(row, at)
        if row.state != "new":
            _set_state(row, "new", ":material/undo:")
        label: formats.Markdown = "Unpin" if row.pinned else "Pin"
        pin = partial(change, row, Change(pinned=not row.pinned))
        st.button(label, icon=":material/keep:", key=f"pin-{at}", on_click=pin)
        opened = widgets.popover("Reword", f"reword-{at}", ":material/edit:", typed_in=True)
        if opened is not None:
            with opened:
                _reword(row, at)
    st.multiselect(
        "Tags",
        sorted({*row.tags, *db.read(history.lately_given_tags)}, key=str.casefold),
        row.tags,
        accept_new_options=True,
        placeholder="Type a tag",
        key=f"tags-{at}",
        on_change=lambda: change(row, Change(tags=st.session_state[f"tags-{at}"])),
    )


def change(row: InsightRow, given: Change) -> None:
    """Only if it is still as it was shown."""
    acting.attempt(lambda: life.change(row.id, given, row.version))


def _set_state(row: InsightRow, state: State, icon: str) -> None:
    key = f"{state}-{row.id}-{row.version}"
    st.button(insights.ACTIONS[state], icon=icon, key=key, on_click=partial(change, row, Change(state=state)))


def _dismiss(row: InsightRow, at: str) -> None:
    key = f"reason-{at}"
    with st.form(f"dismissing-{at}", border=False):
        st.text_input("Reason", max_chars=life.LONGEST_REASON, placeholder="why, if you like", key=key)
        st.caption("It is hidden from the list, counts for nothing, and stays dismissed when it is found again.")

        def act() -> None:
            change(row, Change(state="dismissed", reason=st.session_state[key]))

        st.form_submit_button("Dismiss", type="primary", on_click=act)


def _reword(row: InsightRow, at: str) -> None:
    key = f"words-{at}"
    with st.form(f"rewording-{at}", border=False):
        st.text_area("Wording that people see", row.words, max_chars=life.LONGEST_WORDING, key=key)
        st.caption(
            "Only what is shown changes: it is found and merged by the model's wording. Leave it empty to show that "
            "again."
        )

        def act() -> None:
            change(row, Change(shown=st.session_state[key]))

        st.form_submit_button("Save", type="primary", on_click=act)
