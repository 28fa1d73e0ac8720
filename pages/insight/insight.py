"""One insight: what people make of it, and in tabs all its evidence, the documents behind it, merges and history."""

import streamlit as st

from core.errors import NotFound
from core.insights import relations, report
from core.runtime import db
from pages.common import failures, formats, widgets
from pages.insight import tabs
from pages.parts.insight import acting, around, deciding

LONGEST_TITLE = 60

insight_id = st.query_params.get("id", "")
try:
    with db.side_by_side() as group:
        found = group.read(report.get, insight_id)
        related = group.read(relations.of_insight, insight_id)
        deciding.read(group)
        tabs.read(group, insight_id)
except NotFound as error:
    st.title("Insight")
    st.info(formats.plain(error.message) if insight_id else "This link names no insight.")
    failures.offer_workspace(insight_id)
    widgets.back_link("All insights", "insights/insights.py", around.PAGE)
    st.stop()

row, beside = found.found, related.found
short = row.words if len(row.words) <= LONGEST_TITLE else f"{row.words[: LONGEST_TITLE - 1]}…"
st.set_page_config(page_title=f"{short} · Cairn")
widgets.back_link("All insights", "insights/insights.py", around.PAGE)
widgets.came_by(short, around.PAGE, id=row.id)
with st.container(key="statement"):
    st.title(formats.plain(row.words))
failures.show_notice()
acting.show_done()
if row.head:
    head = report.get(row.head)
    with st.container(border=True):
        st.markdown(
            ":material/merge: It was merged into the insight below, which counts its evidence. Decide on that one:"
        )
        with widgets.lines("head"):
            widgets.link(formats.plain(head.words), "insight/insight.py", id=head.id)
        if st.button("Take it out again", icon=":material/call_split:", key="take-out"):
            around.take_out(row.id)
            st.rerun()
    deciding.describe(row, formats.utc_now())
else:
    around.resemblance(beside)
    deciding.describe(row, formats.utc_now())
    deciding.decide(row)
    around.conflicts(row.id, beside)
tabs.show(row)
