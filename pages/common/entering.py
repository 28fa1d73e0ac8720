"""Who asks: answered anew for each run of a page, of a part of one, of a dialog and of a callback, for the last three
run without the entry script. What was taken away no longer holds then.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from starlette.datastructures import Headers

from core.access import actor, claims, proofs, signing_in, workspaces
from core.access.actor import Caller
from core.access.people import PersonView
from core.access.signing_in import Ended, Identity, NotLetIn, SignedIn
from core.environment import get_settings
from core.errors import Forbidden, Unauthorized
from core.runtime import correlation, workspace
from pages.common import formats

ACTOR = "actor"
CHOSEN = "workspace"
# Of this session: whom the proxy named when it began, and who was refused, and why.
NAMED = "named by the proxy"
REFUSED = "refused"


@dataclass(frozen=True)
class Asking:
    """`person` None: nobody is asked who they are. `proof`: what this browser's sign-in is known by."""

    caller: Caller
    workspace: str
    person: PersonView | None = None
    proof: str = ""


class NotSignedIn(Unauthorized):
    """Sign in to go on."""


class NoWorkspace(Forbidden):
    """You are a member of no workspace. Ask an admin of Cairn to make you one."""


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


@contextmanager
def acting() -> Iterator[Asking]:
    """Within the block, what is read and changed is by whoever asks, and in the workspace that they chose.

    Raises Unauthorized where nobody is let in, and NoWorkspace.
    """
    asking = _asking.get() or asked()
    token = _asking.set(asking)
    try:
        with actor.bound(asking.caller), workspace.bound(asking.workspace):
            yield asking
    finally:
        _asking.reset(token)


def act_as(name: str) -> None:
    """What is recorded as who acts on this page where nobody is signed in. It is kept in the session: callbacks and
    dialogs run before the entry script or without it."""
    st.session_state[ACTOR] = name


def asked() -> Asking:
    """Raises Unauthorized, NoWorkspace."""
    how = get_settings().sign_in
    if how == "none":
        return _anybody()
    signed_in, proof = _by_oidc() if how == "oidc" else _by_header()
    caller = signed_in.caller("pages", ip=_ip(), request_id=correlation.current())
    return Asking(caller, _workspace(signed_in), signed_in.person, proof)


def _anybody() -> Asking:
    who = Caller("pages", "open", "admin", label=st.session_state.get(ACTOR, ""), ip=_ip())
    wanted = st.session_state.get(CHOSEN, workspace.DEFAULT)
    if wanted != workspace.DEFAULT and wanted not in {one.id for one in workspaces.mine()}:
        wanted = workspace.DEFAULT
    return Asking(replace(who, request_id=correlation.current()), wanted)


def _workspace(signed_in: SignedIn) -> str:
    """What was chosen on this tab, or last in this browser, as long as one is a member."""
    mine = [one.id for one in signed_in.person.workspaces]
    for wanted in (st.session_state.get(CHOSEN), signed_in.workspace, workspace.DEFAULT, *mine):
        if wanted in mine:
            return wanted
    if signed_in.person.role == "admin":
        return ""
    raise NoWorkspace


def _by_oidc() -> tuple[SignedIn, str]:
    user: dict[str, Any] = dict(st.user.to_dict())
    proof = proofs.of_cookies(st.context.cookies.to_dict())
    if not user.get("is_logged_in") or proof is None:
        raise NotSignedIn
    token = (user.get("tokens") or {}).get("id") or ""
    return _known(proof, lambda: claims.begin(user, token, proof, formats.utc_now(), ip=_ip())), proof


def _by_header() -> tuple[SignedIn, str]:
    identity = _named()
    proof = f"proxy\n{identity.subject}"
    if st.session_state.get(NAMED) == identity.subject:
        return _known(proof, None), proof
    # The proxy vouches when a connection begins, and a connection may live for days.
    now, ip = formats.utc_now(), _ip()
    found = _known(proof, lambda: signing_in.begin(identity, proof, now, ip=ip), renewed=True)
    st.session_state[NAMED] = identity.subject
    return found, proof


def _known(proof: str, begin: Callable[[], object] | None, *, renewed: bool = False) -> SignedIn:
    """`begin` None: it must have begun already. `renewed`: if it has ended, it begins again."""
    try:
        found = signing_in.known(proof, formats.utc_now())
    except Ended:
        if not renewed:
            raise
        found = None
    if found is None and begin is not None:
        _begin(proof, begin)
        found = signing_in.known(proof, formats.utc_now())
    if found is None:
        raise NotSignedIn
    return found


def _begin(proof: str, begin: Callable[[], object]) -> None:
    """A refusal holds until somebody asks again: each is an entry of the audit."""
    if (refused := st.session_state.get(REFUSED)) is not None and refused[0] == proof:
        raise NotLetIn(refused[1])
    try:
        begin()
    except NotLetIn as error:
        st.session_state[REFUSED] = (proof, error.message)
        raise


def ask_again() -> None:
    st.session_state.pop(REFUSED, None)


def _named() -> Identity:
    """Whom the proxy names. Raises NotSignedIn where it was gone round, or names nobody, or several."""
    headers = st.context.headers
    user = get_settings().trusted_user_header or ""
    given, named = headers.get_all(proofs.PROVES_ITSELF), headers.get_all(user)
    identity = proofs.by_proxy(Headers(headers.to_dict()))
    if identity is None and named:
        raise NotSignedIn("Open Cairn by the address that its proxy has: people sign in there.")
    if identity is None or len(given) != 1 or len(named) != 1:
        raise NotSignedIn("The proxy before Cairn does not say who you are. Sign in there.")
    return identity


def _ip() -> str | None:
    ip = st.context.ip_address
    # Of a browser; AppTest has none, and a stand-in for it within callbacks.
    return ip if isinstance(ip, str) else None


def choose(workspace_id: str) -> None:
    """Work in another workspace from now on, here and when this browser opens Cairn again."""
    asking = _asking.get()
    if asking is not None and asking.proof:
        signing_in.choose(asking.proof, workspace_id)
    st.session_state[CHOSEN] = workspace_id


def leave() -> None:
    """Sign out: here, and on all tabs of this browser."""
    asking = _asking.get()
    if asking is not None and asking.proof:
        signing_in.end(asking.proof, formats.utc_now())
