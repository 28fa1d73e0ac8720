"""The insight base: filters that stand in the link, full-text search, and the quotes behind each statement."""

import pandas as pd
import streamlit as st

from core.asking import templates
from core.documents import report as documents_report
from core.errors import NotFound
from core.insights import report as insights_report
from core.insights.report import Filters, InsightRow
from pages.common import formats, widgets
from pages.insights.evidence import drawer

PER_PAGE = 100

st.title("Insights")

with widgets.tiles():
    q = st.text_input("Search", key="q", bind="query-params", placeholder='words, "a phrase", -not', type="search")
    names = [c.name for c in documents_report.collections()]
    collection = st.selectbox("Collection", names, index=None, placeholder="All", key="collection", bind="query-params")
    kinds = {t.id: t.name for t in templates.list_all() if t.insights}
    template = st.selectbox(
        "Template",
        list(kinds),
        index=None,
        placeholder="All",
        key="template",
        bind="query-params",
        format_func=lambda i: kinds.get(i, i),
    )
    support = st.selectbox(
        "Evidence", ["supported", "unsupported"], index=None, placeholder="All", key="evidence", bind="query-params"
    )
shown_as = {"collection": collection, "template": template and kinds[template], "evidence": support}
widgets.came_by("Insights", "insights/insights.py", q=q, **shown_as)
supported = None if support is None else support == "supported"
filters = Filters(q=q or None, collection=collection, template=template, supported=supported)


def frame(rows: tuple[InsightRow, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [(r.statement, r.support, round(r.confidence, 2), kinds.get(r.kind, r.kind), r.last_seen) for r in rows],
        columns=["Statement", "Documents", "Confidence", "Template", "Last seen"],
    )


COLUMNS = {
    "Statement": st.column_config.TextColumn(width=400),
    "Documents": st.column_config.NumberColumn(
        width=85, format="localized", help="Distinct documents in which the quote stands; 0: found in none"
    ),
    "Confidence": st.column_config.ProgressColumn(
        min_value=0,
        max_value=1,
        format="percent",
        width=100,
        color="blue",
        help="Documents raise it, quotes not found lower it",
    ),
    "Template": st.column_config.TextColumn(width=90),
    "Last seen": st.column_config.DatetimeColumn(format="distance", width=105),
}


def from_link() -> InsightRow | None:
    """The insight that the link names. It is opened only once, so that its drawer can be closed."""
    wanted = st.query_params.get("insight")
    if not wanted or st.session_state.get("opened") == wanted:
        return None
    st.session_state["opened"] = wanted
    try:
        return insights_report.get(wanted)
    except NotFound as error:
        st.info(formats.plain(error.message))
        return None


linked = from_link()
total = insights_report.count(filters).count
trail = st.session_state.setdefault("insight_cursors", {})
if trail.get("filters") != filters:
    trail.clear()
    trail.update(filters=filters, cursors=[None])

page = insights_report.find(filters, limit=PER_PAGE, cursor=trail["cursors"][-1])
if page.items:
    shown = (len(trail["cursors"]) - 1) * PER_PAGE
    st.caption(f"{shown + 1:,} to {shown + len(page.items):,} of {total:,}. Select a row to see its quotes.")
    event = st.dataframe(
        frame(page.items),
        hide_index=True,
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="single-row",
        key=widgets.rows_key("insights", page.items),
        height=min(38 + 35 * len(page.items), 640),
    )
    with st.container(horizontal=True):
        if len(trail["cursors"]) > 1 and st.button("Newer", icon=":material/chevron_left:"):
            trail["cursors"].pop()
            st.rerun()
        if page.next_cursor and st.button("Older", icon=":material/chevron_right:"):
            trail["cursors"].append(page.next_cursor)
            st.rerun()
    if selected := event["selection"]["rows"]:
        drawer(page.items[selected[0]])
    elif linked:
        drawer(linked)
elif filters != Filters():
    st.info("No insight fits these filters.")
else:
    widgets.empty(
        "No insights yet. The templates *Key points*, *Question and answer* and your own make them.",
        "analyse/analyse.py",
        "Analyse documents",
    )
