"""Saved views: filters that somebody gave a name, each with what is new since it was last looked at."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from core.insights import views
from core.insights.order_report import Sort
from core.insights.report import Filters
from core.insights.views import View
from pages.common import failures, formats, widgets
from pages.insights import narrowing
from pages.words import insights, instructions

# Of the widgets that `filters` draws, by the names of the filters that they set.
FIELDS = ("q", "collection", "template", "tag")


def show(saved: Sequence[View], filters: Filters, sort: Sort) -> None:
    new = sum(one.new.count for one in saved)
    opened = widgets.popover(f"Views · {new:,} new" if new else "Views", "views", ":material/bookmark:", typed_in=True)
    if opened is None:
        return
    with opened:
        for one in saved:
            _row(one)
        if not saved:
            st.caption("A view is what the list is narrowed to, under a name. It tells what is new.")
        with st.form("saving-view", border=False, clear_on_submit=True):
            st.text_input("Save what is listed now as", max_chars=views.LONGEST_NAME, key="view_name")
            st.form_submit_button("Save", type="primary", on_click=partial(_save, filters, sort))


def _row(one: View) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        new = f" :blue[{insights.total(one.new)} new]" if one.new.count else ""
        open_ = partial(_open, one)
        st.button(f"{formats.plain(one.name)}{new}", key=f"view-{one.id}", type="tertiary", on_click=open_)
        delete = partial(_delete, one)
        st.button("", icon=":material/delete:", key=f"no-{one.id}", type="tertiary", help="Delete", on_click=delete)


def _save(filters: Filters, sort: Sort) -> None:
    name = st.session_state["view_name"].strip()
    failures.attempt(lambda: views.save(name, filters, sort), "Saved.")


def _open(one: View) -> None:
    """The filters of the page are set to those of the view, and nothing of it is new any more."""

    def look() -> None:
        views.look(one.id)
        given = one.filters
        st.session_state.update({name: getattr(given, name) for name in FIELDS} | {"q": given.q or ""})
        states = (given.state,) if isinstance(given.state, str) else given.state
        st.session_state.update(
            state=_named(insights.STATES, states and tuple(states)),
            evidence=_named(insights.EVIDENCE, given.supported),
            sort=one.sort,
            conflict=_named(insights.CONFLICTS, given.conflict),
            quarantine=_named(instructions.QUARANTINES, given.quarantined),
            pinned=given.pinned is True,
        )
        narrowing.put_all(given)

    failures.attempt(look)


def _named(names: Mapping[str, object], value: object) -> str:
    return next((name for name, each in names.items() if each == value), "all")


def _delete(one: View) -> None:
    failures.attempt(lambda: views.delete(one.id), "The view is deleted.")
