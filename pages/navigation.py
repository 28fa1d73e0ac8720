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
from core.runtime import correlation
from pages import entrance
from pages.common import entering, failures, formats, widgets
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

# Where a session keeps the page that it was on.
PAGE = "page-of-session"

# As wide as its words are; the rest is for grids.
SIDEBAR_PIXELS = 220
# Readable on the sidebar of both themes.
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 32" width="132" height="32" role="img"
aria-label="Cairn"><g fill="#6f7a86"><ellipse cx="18" cy="26" rx="15" ry="5"/><ellipse cx="17" cy="16.5" rx="10.5"
ry="4.2"/><ellipse cx="19" cy="8" rx="6" ry="3.4"/></g><text x="44" y="25" font-family="sans-serif" font-size="24"
font-weight="600" fill="#6f7a86">Cairn</text></svg>"""

# Streamlit's own download of a grid writes cells that compute, such as a document's name: tables leave by core.exports.
STYLE = """<style>
  [data-testid=stElementToolbarButton]:has(button[aria-label^='Download as CSV']) {display: none}
  [data-testid=stCaptionContainer] {color: inherit; opacity: 0.78}
  [data-testid=stSidebarNavLink]:focus-visible {outline: 2px solid currentColor; outline-offset: -2px}
  [data-testid=stPageLink] {margin-inline-start: -0.5rem}
  [data-testid=stHeading] h2 {font-size: 1.5rem; padding-block: 0.75rem 0.5rem}
  [role=tab][aria-selected=true], [role=tab][aria-selected=true] *, [data-testid=stButtonGroup] [aria-checked=true],
  [data-testid=stButtonGroup] [aria-checked=true] * {color: inherit !important; font-weight: 600}
  [data-testid=stMainBlockContainer] {padding-top: 4.25rem; padding-inline: clamp(1rem, 3vw, 3rem)}
</style>"""

HISTORY = "<script src='scripts/history.js'></script>"

# Before the pages are named: a page's own icon would else become the favicon, which Streamlit fetches from Google.
st.set_page_config(page_icon="🪨", layout="wide", initial_sidebar_state=SIDEBAR_PIXELS)


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
                page("own_requests/own_requests.py", title="Custom requests", visibility="hidden"),
            ],
        },
        position="sidebar" if signed_in else "hidden",
        expanded=True,
    )


def frame(title: str) -> None:
    """Around every page: what the tab says, the logo, and how things look."""
    st.set_page_config(page_title=f"{title} · Cairn")
    st.logo(LOGO, size="large")
    st.html(STYLE + HISTORY, unsafe_allow_javascript=True)


def forget_what_was_not_chosen(address: str) -> None:
    """Filters of several pages have the same names in links. Where one of another page was left empty, Streamlit takes
    that, after Back and Forward, for the choice of a box that always has one."""
    if st.session_state.get(PAGE) == address:
        return
    for name in [name for name, value in st.session_state.items() if value is None]:
        del st.session_state[name]
    st.session_state[PAGE] = address


def name_filters() -> None:
    """For scripts/history.js: the names under which filters of this page stand in its link. A page that stops before
    its end has none: the next one that is turned to by Back is loaded anew."""
    context = get_script_run_ctx()
    assert context is not None
    with context.session_state.query_params() as link:
        bound = link._bindings_by_param.items()
        names = " ".join(name for name, one in bound if one.script_hash == context.page_script_hash)
    st.html(f"<span id='cairn-filters' data-names='{html.escape(names)}'></span>")


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
        forget_what_was_not_chosen(chosen.url_path)
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
            name_filters()


correlation.begin(correlation.new())
run()
