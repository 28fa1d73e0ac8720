"""Workspaces, and who is a member of each."""

from collections.abc import Sequence

import streamlit as st

from core.access import workspaces
from core.access.people import PersonView
from core.access.workspaces import WorkspaceView
from core.errors import CairnError
from core.runtime import workspace
from pages.common import failures, formats
from pages.words import access as words


def show(there: Sequence[WorkspaceView], everybody: Sequence[PersonView]) -> None:
    st.caption(words.ABOUT_WORKSPACES)
    if st.button("New workspace", icon=":material/add:"):
        edit(None)
    for place in there:
        _line(place, [one for one in everybody if place.id in {where.id for where in one.workspaces}])


def _line(place: WorkspaceView, members: Sequence[PersonView]) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formats.plain(place.name)}**")
            if st.button("Change", key=f"change-{place.id}"):
                edit(place)
            if place.id != workspace.DEFAULT and not (place.documents or place.jobs or place.insights):
                st.button("Delete", key=f"delete-{place.id}", on_click=_delete, args=(place,))
        if place.description:
            st.caption(formats.plain(place.description))
        st.caption(words.holds(place))
        st.caption(formats.plain("Members: " + (", ".join(one.called for one in members) or "nobody")))


def _delete(place: WorkspaceView) -> None:
    failures.attempt(lambda: workspaces.delete(place.id), f"{place.name} was deleted.")


@failures.dialog("Workspace")
def edit(place: WorkspaceView | None) -> None:
    key = place.id if place else "new"
    name = st.text_input("Name", place.name if place else "", max_chars=100, key=f"place-name-{key}")
    description = st.text_area("What it is for", place.description if place else "", key=f"place-about-{key}")
    if st.button("Save", type="primary", key=f"place-save-{key}"):
        try:
            if place:
                workspaces.change(place.id, name=name, description=description)
            else:
                workspaces.make(name, description)
        except CairnError as error:
            failures.show_failure(error.message, error.code)
            return
        failures.notify("Saved. Members are set at each person.")
        st.rerun()
