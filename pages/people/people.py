"""People and workspaces: who may come in, what they may do, and where."""

import streamlit as st

from core.access import people, workspaces
from core.access.people import PersonView
from pages.common import failures, formats
from pages.people import changing, inviting, places
from pages.words import access as words

AT_ONCE = 50

st.title("People")
failures.show_notice()
everybody = people.everybody()
there = workspaces.listed()


def line(person: PersonView) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(f"**{formats.plain(person.called)}**")
            st.caption(words.person(person, formats.utc_now()), help=formats.exact(person.last_seen))
        st.badge(formats.plain(person.role), color="blue" if person.role == "admin" else "gray")
        if person.state != "active":
            st.badge(formats.plain(person.state), color="orange" if person.state == "invited" else "red")
        if st.button("Change", key=f"change-{person.id}"):
            changing.change(person, there)


who, where = st.tabs(["People", "Workspaces"])
with who:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.text_input("Search", placeholder="name or e-mail", key="people-q", bind="query-params", width=320)
        state = st.selectbox(
            "State", words.STATES, index=None, placeholder="All", key="people-state", bind="query-params", width=180
        )
        if st.button("Invite", type="primary", icon=":material/person_add:"):
            inviting.invite(there)
    found = people.everybody(q=part or "", state=state)
    st.caption(words.found(len(found), len(everybody), AT_ONCE))
    if not everybody:
        st.info(words.NOBODY)
    for one in found[:AT_ONCE]:
        line(one)
with where:
    places.show(there, everybody)
