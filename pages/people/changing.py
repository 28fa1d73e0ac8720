"""What an admin does about one person."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.access import people, workspaces
from core.access.actor import Role
from core.access.people import PersonView
from core.access.roles import ROLES
from core.access.workspaces import WorkspaceView
from pages.common import failures, formats
from pages.words import access as words


@failures.dialog("Change a person")
def change(person: PersonView, there: Sequence[WorkspaceView]) -> None:
    st.markdown(f"**{formats.plain(person.called)}**")
    st.caption(words.person(person, formats.utc_now()))
    _role_and_workspaces(person, there)
    st.divider()
    with st.container(horizontal=True):
        if person.state == "deactivated":
            if person.email is not None:
                _button("Activate", partial(people.activate, person.id), f"{person.called} may come in again.")
        else:
            now = formats.utc_now()
            done = f"{person.called} is out: sign-ins and keys have ended."
            _button("Deactivate", partial(people.deactivate, person.id, now), done)
    if person.email is not None:
        _forget(person)


def _role_and_workspaces(person: PersonView, there: Sequence[WorkspaceView]) -> None:
    names = {one.id: one.name for one in there}
    mine = [one.id for one in person.workspaces if one.id in names]
    st.selectbox(
        "Role",
        ROLES,
        ROLES.index(person.role),
        disabled=person.by_environment,
        help=words.BY_ENVIRONMENT if person.by_environment else words.ROLES_HELP,
        key=f"role-{person.id}",
    )
    st.multiselect("Workspaces", list(names), mine, format_func=names.__getitem__, key=f"in-{person.id}")
    if st.button("Save", type="primary", on_click=_save, args=(person, set(mine))):
        st.rerun()


def _save(person: PersonView, mine: set[str]) -> None:
    role: Role = st.session_state[f"role-{person.id}"]
    chosen = set(st.session_state[f"in-{person.id}"])

    def save() -> None:
        if role != person.role:
            people.change(person.id, role=role)
        for one in chosen - mine:
            workspaces.add_member(one, person.id)
        for one in mine - chosen:
            workspaces.remove_member(one, person.id)

    failures.attempt(save, "Saved. It holds from the next click on.")


def _button(label: formats.Markdown, do: partial[PersonView], done: str) -> None:
    if st.button(label, on_click=failures.attempt, args=(do, done)):
        st.rerun()


def _forget(person: PersonView) -> None:
    with st.expander("Forget this person"):
        st.markdown(words.FORGET)
        typed = f"forget-{person.id}"
        st.text_input(f"Type {formats.plain(person.email or '')} to confirm", key=typed)
        if st.button("Forget", icon=":material/person_off:", on_click=_forgotten, args=(person, typed)):
            st.rerun()


def _forgotten(person: PersonView, typed: str) -> None:
    if st.session_state.get(typed, "").strip().lower() != (person.email or "").lower():
        failures.notify("Nobody was forgotten: the e-mail was to be typed to confirm.", "warning")
        return
    failures.attempt(lambda: people.forget(person.id, formats.utc_now()), "Nothing here names this person any more.")
