"""The entry script of every run: the list of pages, and the frame around them.

It lies inside `pages/`, and that matters: beside the main script, Streamlit would serve each file of a `pages/` folder
at its own address without asking this script.
"""

from copy import copy
from typing import Any

import streamlit as st

from core.environment import get_settings
from core.runtime import correlation
from pages.common import failures, widgets
from pages.words import health, insights, settings

# What is recorded as who acts there.
DOORS = {"settings": settings.DOOR, "insights": insights.DOOR, "insight": insights.DOOR, "review": insights.DOOR}

# As wide as its words are; the rest is for grids.
SIDEBAR_PIXELS = 220
# Readable on the sidebar of both themes.
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 32" width="132" height="32" role="img"
aria-label="Cairn"><g fill="#6f7a86"><ellipse cx="18" cy="26" rx="15" ry="5"/><ellipse cx="17" cy="16.5" rx="10.5"
ry="4.2"/><ellipse cx="19" cy="8" rx="6" ry="3.4"/></g><text x="44" y="25" font-family="sans-serif" font-size="24"
font-weight="600" fill="#6f7a86">Cairn</text></svg>"""

# Before the pages are named: a page's own icon would else become the favicon, which Streamlit fetches from Google.
st.set_page_config(page_icon="🪨", layout="wide", initial_sidebar_state=SIDEBAR_PIXELS)


def page(file: str, **given: Any) -> st.Page:
    """Made once, because it looks for its file. Navigation marks the pages that it is given: each run has a copy."""
    if file not in widgets.PAGES:
        widgets.PAGES[file] = st.Page(file, **given)
    return copy(widgets.PAGES[file])


chosen = st.navigation(
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
            page("settings/settings.py", title="Settings", icon=":material/settings:"),
        ],
        "Details": [
            page("document/document.py", title="Document", visibility="hidden"),
            page("job/job.py", title="Job", visibility="hidden"),
            page("insight/insight.py", title="Insight", visibility="hidden"),
            page("own_requests/own_requests.py", title="Custom requests", visibility="hidden"),
        ],
    }
)

st.set_page_config(page_title=f"{chosen.title} · Cairn")
st.logo(LOGO, size="large")
if get_settings().open_access:
    st.sidebar.caption(f":material/lock_open_right: {health.OPEN_ACCESS}")
# Streamlit's own download of a grid writes cells that compute, such as a document's name: tables leave by core.exports.
st.html(
    """<style>
      [data-testid=stElementToolbarButton]:has(button[aria-label^='Download as CSV']) {display: none}
      [data-testid=stCaptionContainer] {color: inherit; opacity: 0.78}
      [data-testid=stSidebarNavLink]:focus-visible {outline: 2px solid currentColor; outline-offset: -2px}
      [data-testid=stPageLink] {margin-inline-start: -0.5rem}
      [data-testid=stHeading] h2 {font-size: 1.5rem; padding-block: 0.75rem 0.5rem}
      [role=tab][aria-selected=true], [role=tab][aria-selected=true] *, [data-testid=stButtonGroup] [aria-checked=true],
      [data-testid=stButtonGroup] [aria-checked=true] * {color: inherit !important; font-weight: 600}
      [data-testid=stMainBlockContainer] {padding-top: 4.25rem; padding-inline: clamp(1rem, 3vw, 3rem)}
    </style>"""
)

correlation.begin(correlation.new())
failures.act_as(DOORS.get(chosen.url_path, ""))
failures.guarded(chosen.run)
