"""What stands before the pages: signing in, and in their frame who is signed in, and the workspace."""

import streamlit as st

from core.access import people, roles, signing_in, workspaces
from core.access.roles import Action
from core.access.signing_in import Ended, NotLetIn
from core.environment import get_settings
from core.errors import CairnError
from core.runtime import correlation
from pages.common import entering, failures, formats
from pages.common.entering import Asking, NotSignedIn, NoWorkspace
from pages.words import access as words


def show(refused: CairnError) -> None:
    """The only page of whoever is not let in."""
    with st.container(width=440):
        if isinstance(refused, NotLetIn):
            st.title("You are not let in")
            failures.show_error(refused.message, correlation.current())
            _sign_in("Sign in as somebody else")
            st.button("Try again", on_click=entering.ask_again)
        elif isinstance(refused, NoWorkspace):
            st.title("No workspace")
            st.info(formats.plain(f"You are a member of no workspace. {signing_in.whom_to_ask()}"))
            _sign_in("Sign in as somebody else")
        elif isinstance(refused, NotSignedIn | Ended):
            st.title("Sign in")
            _why(refused)
            _sign_in("Sign in")
        else:
            st.title("Cairn is not ready")
            failures.show_failure(refused.message, refused.code)
            st.button("Try again")


def _why(refused: CairnError) -> None:
    if st.query_params.get(words.FAILED_IN_LINK):
        failures.show_error(words.FAILED, correlation.current())
    elif isinstance(refused, Ended):
        st.info(words.ENDED)
    elif get_settings().sign_in == "header":
        st.error(formats.plain(refused.message))
    else:
        st.markdown(words.WHY)


def _sign_in(label: formats.Markdown) -> None:
    if get_settings().sign_in == "oidc":
        st.button(label, type="primary", icon=":material/login:", on_click=st.login)
    else:
        st.caption(words.AT_THE_PROXY)


def not_for_you(title: str, needed: Action) -> None:
    """At the address of a page that takes another role."""
    st.title(formats.plain(title))
    st.info(formats.plain(roles.refusal(needed)), icon=":material/lock:")


def sidebar(asking: Asking) -> None:
    """The workspace, where there is a choice, and who is signed in."""
    mine = workspaces.mine() if asking.person is None else list(asking.person.workspaces)
    with st.sidebar:
        if len(mine) > 1:
            _switcher(mine, asking)
        if asking.person is not None:
            _person(asking.person)


def _switcher(mine: list[people.Named], asking: Asking) -> None:
    names = {one.id: one.name for one in mine}
    st.session_state[SWITCH] = asking.workspace
    st.selectbox("Workspace", list(names), format_func=names.__getitem__, key=SWITCH, on_change=_switch)


SWITCH = "workspace-switch"


def _switch() -> None:
    wanted = st.session_state[SWITCH]
    failures.attempt(lambda: entering.choose(wanted))
    # What stands in the link is of the workspace that was left.
    st.query_params.clear()


def _person(person: people.PersonView) -> None:
    st.caption(f"{formats.plain(person.called)} · {formats.plain(person.role)}")
    st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=_sign_out)


def _sign_out() -> None:
    failures.attempt(entering.leave)
    if get_settings().sign_in == "oidc":
        st.logout()
