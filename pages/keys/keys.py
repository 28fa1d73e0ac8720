"""API keys: one's own, and for admins those of everybody."""

from functools import partial

import streamlit as st

from core.access import actor, keys, people, roles
from core.access.keys import KeyView
from core.runtime import db
from pages.common import failures, formats
from pages.keys import making
from pages.words import access as words

st.title("API keys")
failures.show_notice()
making.show_secret()
st.caption(words.ABOUT_KEYS)
now = formats.utc_now()
me = actor.caller().user
all_ = me is None or (
    roles.may("key.change_others") and st.toggle("Keys of everybody", key="keys-all", bind="query-params")
)
if me is None:
    st.info(words.KEYS_OF_NOBODY)
elif st.button("New key", type="primary", icon=":material/add:"):
    making.make()

found = keys.listed(now, user=None if all_ else me)
with db.reading() as session:
    names = people.names(session, [one.user for one in found])


def line(key: KeyView) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(f"**{formats.plain(key.name)}** {formats.plain(key.prefix)}…")
            st.caption(words.key(key, names.get(key.user, "") if all_ else "", now))
        st.badge(formats.plain(key.role), color="gray")
        if key.state == "active":
            revoke = partial(keys.revoke, key.id, now)
            done = f"{key.name} was revoked: it lets nobody in from now on."
            st.button("Revoke", key=f"revoke-{key.id}", on_click=failures.attempt, args=(revoke, done))
        else:
            st.badge(formats.plain(key.state), color="red")


if not found and me is not None:
    st.info(words.NO_KEYS)
for one in found:
    line(one)
