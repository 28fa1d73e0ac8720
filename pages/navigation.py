"""The entry script of every run: the list of pages, and the frame around them.

It lies inside `pages/`, and that matters: beside the main script, Streamlit would serve each file of a `pages/` folder
at its own address without asking this script.
"""

import html
from contextlib import ExitStack, suppress
from copy import copy
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.access import refusals, roles
from core.access.roles import Action
from core.environment import get_settings
from core.errors import CairnError, Unavailable
from core.runtime import correlation, db
from pages import entrance
from pages.common import entering, failures, formats, look, widgets
from pages.words import health, insights, settings

# What is recorded as who acts there.
DOORS = {"settings": settings.DOOR, "insights": insights.DOOR, "insight": insights.DOOR, "review": insights.DOOR}

# What a page is for: without it a person does not see it in the menu, and is told why at its address.
NEEDS: dict[str, Action] = {
    "settings": "settings.change",
    "people": "people.change",
    "keys": "key.make",
    "audit": "audit.read",
}
# Of no use where nobody signs in; who opens their address may use them all the same.
OF_SIGN_IN = ("people", "keys")

# Where a session keeps the page that it was on, and the names of its filters.
PAGE = "page-of-session"

# Before the pages are named: a page's own icon would else become the favicon, which Streamlit fetches from Google.
st.set_page_config(page_icon="🪨", layout="wide", initial_sidebar_state=look.SIDEBAR_PIXELS)


def page(file: str, **given: Any) -> st.Page:
    """Made once, because it looks for its file. Navigation marks the pages that it is given: each run has a copy."""
    if file not in widgets.PAGES:
        widgets.PAGES[file] = st.Page(file, **given)
    return copy(widgets.PAGES[file])


def shown(one: st.Page) -> st.Page:
    """In the menu, as far as whoever asks may use it."""
    needed = NEEDS.get(one.url_path)
    idle = one.url_path in OF_SIGN_IN and get_settings().sign_in == "none"
    if idle or (needed is not None and not roles.may(needed)):
        one._visibility = "hidden"
    return one


def listed(*, signed_in: bool) -> st.Page:
    """The page that was asked for. Whoever is not let in sees no menu, and keeps the address."""
    return st.navigation(
        {
            "": [page("overview/overview.py", title="Overview", icon=":material/home:", default=True)],
            "Work": [
                page("documents/documents.py", title="Documents", icon=":material/folder_open:"),
                page("analyse/analyse.py", title="Analyse", icon=":material/play_circle:"),
                page("jobs/jobs.py", title="Jobs", icon=":material/list_alt:"),
                page("insights/insights.py", title="Insights", icon=":material/lightbulb:"),
                page("matrix/matrix.py", title="Matrix", icon=":material/table_chart:"),
                page("review/review.py", title="Review", icon=":material/rule:"),
                page("templates.py", title="Templates", icon=":material/edit_note:"),
                page("own_requests/own_requests.py", title="Custom requests", icon=":material/upload_file:"),
            ],
            "Operate": [
                page("costs/costs.py", title="Costs", icon=":material/payments:"),
                # Its own name is taken: `GET /health` answers probes.
                page("health/health.py", title="Health", icon=":material/monitor_heart:", url_path="system"),
                shown(page("settings/settings.py", title="Settings", icon=":material/settings:")),
            ],
            "Access": [
                shown(page("people/people.py", title="People", icon=":material/group:")),
                shown(page("keys/keys.py", title="API keys", icon=":material/key:")),
                shown(page("audit/audit.py", title="Audit", icon=":material/policy:")),
            ],
            "Details": [
                page("document/document.py", title="Document", visibility="hidden"),
                page("job/job.py", title="Job", visibility="hidden"),
                page("insight/insight.py", title="Insight", visibility="hidden"),
            ],
        },
        position="sidebar" if signed_in else "hidden",
        expanded=True,
    )


def frame(title: str) -> None:
    """Around every page: what the tab says, the logo, and how things look."""
    st.set_page_config(page_title=f"{title} · Cairn")
    st.logo(look.LOGO, size="large")
    st.html(look.FRAME, unsafe_allow_javascript=True)


def forget_filters(address: str) -> None:
    """Filters of several pages have the same names in links. After Back and Forward, Streamlit takes those of the page
    that was left for choices on the next one: what stood in its link, and what was left empty there."""
    page, names = st.session_state.get(PAGE, (address, ()))
    if page == address:
        return
    for name in [name for name, value in st.session_state.items() if value is None or name in names]:
        del st.session_state[name]
    st.session_state[PAGE] = (address, ())


def name_filters(address: str) -> None:
    """For scripts/history.js: the names under which filters of this page stand in its link. Where none are told, as by
    a page that stops before its end, the next one that is turned to by Back is loaded anew."""
    context = get_script_run_ctx()
    if context is None:
        return
    with context.session_state.query_params() as link:
        bound = getattr(link, "_bindings_by_param", {}).items()
        names = tuple(name for name, one in bound if one.script_hash == context.page_script_hash)
    st.session_state[PAGE] = (address, names)
    # A page that is loaded anew would be in another workspace, which is worse than to lose a filter.
    told = "" if entering.CHOSEN in st.session_state else html.escape(" ".join(names))
    st.html(f"<span id='cairn-filters' data-names='{told}'></span>")


def run() -> None:
    with ExitStack() as stack:
        try:
            asking = stack.enter_context(entering.acting())
        except CairnError as error:
            frame("Sign in")
            listed(signed_in=False)
            entrance.show(error)
            return
        chosen = listed(signed_in=True)
        forget_filters(chosen.url_path)
        frame(chosen.title)
        if get_settings().open_access:
            st.sidebar.caption(f":material/lock_open_right: {health.OPEN_ACCESS}")
        with suppress(Unavailable):  # The page says so.
            entrance.sidebar(asking)
        entering.act_as(DOORS.get(chosen.url_path, ""))
        needed = NEEDS.get(chosen.url_path)
        if needed is not None and not roles.may(needed):
            refusals.note(needed, chosen.url_path, formats.utc_now())
            entrance.not_for_you(chosen.title, needed)
        else:
            failures.guarded(chosen.run)
            name_filters(chosen.url_path)


correlation.begin(correlation.new())
with db.together():
    run()
