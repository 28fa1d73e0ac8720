"""What was settled, the newest first."""

from functools import partial

import streamlit as st

from core.insights import review_report
from core.insights.report import InsightRow
from core.insights.review_report import Item
from core.judging import grounds
from core.tables.insights import PairKind
from pages.common import formats, marking, widgets
from pages.common.marking import Mark
from pages.review import saying
from pages.words import review

PER_PAGE = 25


def show(kind: PairKind, collection: str | None) -> None:
    trail: list[str | None] = st.session_state.setdefault(f"settled-{kind}-{collection}", [None])
    page = review_report.items(kind=kind, state="settled", collection=collection, limit=PER_PAGE, cursor=trail[-1])
    if not page.items:
        st.caption(review.NONE_SETTLED)
    for one in page.items:
        with st.container(border=True):
            _pair(one)
    with st.container(horizontal=True):
        if len(trail) > 1:
            st.button("Previous", icon=":material/chevron_left:", on_click=partial(trail.__delitem__, -1))
        if page.next_cursor:
            st.button("Next", icon=":material/chevron_right:", on_click=partial(trail.append, page.next_cursor))


def _pair(one: Item) -> None:
    a_spans = [span for each in one.differs for span in each.a_spans]
    b_spans = [span for each in one.differs for span in each.b_spans]
    if one.grounds:
        # Those by which the model decided.
        a_spans, b_spans = (
            [found] if (found := grounds.span(words, side.statement)) else []
            for words, side in zip(one.grounds, (one.a, one.b), strict=True)
        )
    _side(one.a, a_spans)
    _side(one.b, b_spans)
    when = formats.ago(one.time, formats.utc_now())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{review.told(one)} · {when}", help=formats.exact(one.time))
        undo = partial(saying.take_back, one.id)
        st.button("Undo", icon=":material/undo:", key=f"undo-{one.id}", help=review.TAKES_BACK, on_click=undo)
        if one.judged_in:
            widgets.link("Its job, with the undo of all", "job/job.py", ":material/psychology:", id=one.judged_in)


def _side(row: InsightRow, spans: list[tuple[int, int]]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        marking.show(row.statement, [Mark(*span) for span in spans])
        widgets.link("Its own page", "insight/insight.py", ":material/open_in_full:", id=row.id)
