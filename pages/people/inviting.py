"""Letting somebody in who was not there before."""

from collections.abc import Sequence

import streamlit as st

from core.access import people
from core.access.roles import ROLES
from core.access.workspaces import WorkspaceView
from core.errors import CairnError
from core.runtime import workspace
from pages.common import failures
from pages.words import access as words


@failures.dialog("Invite somebody")
def invite(there: Sequence[WorkspaceView]) -> None:
    names = {one.id: one.name for one in there}
    email = st.text_input("E-mail", placeholder="anna@example.com", key="invite-email")
    name = st.text_input("Name", key="invite-name", help="Taken from the sign-in where it says one")
    role = st.selectbox("Role", ROLES, key="invite-role", help=words.ROLES_HELP)
    chosen = st.multiselect(
        "Workspaces",
        list(names),
        [workspace.DEFAULT] if workspace.DEFAULT in names else [],
        format_func=names.__getitem__,
        key="invite-workspaces",
    )
    st.caption(words.INVITED)
    if st.button("Invite", type="primary", key="invite-save"):
        try:
            made = people.invite(email, name=name, role=role, workspaces=chosen)
        except CairnError as error:
            failures.show_failure(error.message, error.code)
            return
        failures.notify(f"{made.called} may sign in now.")
        st.rerun()
