"""A new key: its secret is shown once."""

from datetime import timedelta

import streamlit as st

from core.access import actor, keys, roles, workspaces
from core.access.keys import KeySpec
from core.errors import CairnError
from pages.common import failures, formats
from pages.words import access as words

SHOWN = "key-shown"


@failures.dialog("New API key")
def make() -> None:
    who = actor.caller()
    name = st.text_input("Name", placeholder="nightly import", max_chars=100, key="key-name")
    mine = [one for one in roles.ROLES if roles.rank(one) <= roles.rank(who.role)]
    role = st.selectbox("Role", mine, len(mine) - 1, help=words.ROLE_OF_KEY, key="key-role")
    places = {one.id: one.name for one in workspaces.mine()}
    where = st.selectbox(
        "Workspace",
        list(places),
        index=None,
        placeholder="all of mine",
        format_func=places.__getitem__,
        key="key-workspace",
    )
    days = st.number_input("Expires after days", 1, 365, keys.DAYS, key="key-days")
    never = roles.may("people.change") and st.checkbox("Never expires", key="key-never")
    if st.button("Make the key", type="primary", key="key-save"):
        now = formats.utc_now()
        try:
            made, secret = keys.make(
                KeySpec(name, role, where, None if never else now + timedelta(days=days), never=never), now
            )
        except CairnError as error:
            failures.show_failure(error.message, error.code)
            return
        st.session_state[SHOWN] = (made.name, secret)
        st.rerun()


def show_secret() -> None:
    """Until it is put away, or the session ends."""
    name, secret = st.session_state.get(SHOWN, ("", ""))
    if not secret:
        return
    with st.container(border=True):
        st.markdown(f"**{formats.plain(name)}**: copy it now, it is not shown again.")
        st.code(secret, language=None)
        st.button("I have copied it", on_click=lambda: st.session_state.pop(SHOWN, None))
