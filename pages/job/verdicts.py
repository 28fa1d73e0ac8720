"""What a judge said of pairs, and what became of it."""

import streamlit as st

from core.jobs.report import JobRow
from core.judging import grounds, report
from core.judging.report import JudgedRow
from pages.common import marking, widgets
from pages.common.marking import Mark
from pages.words import judging

SHOWN = 50


def show(row: JobRow) -> None:
    st.markdown(judging.sum_up(report.sum_up(row.id)))
    page = report.pairs(row.id, limit=SHOWN)
    for one in page.items:
        with st.container(border=True):
            _pair(one)
    if page.next_cursor:
        st.caption(f"The first {SHOWN:,} are shown. All of them: the API's /review/judge.")


def _pair(one: JudgedRow) -> None:
    words = one.grounds or ["", ""]
    for insight, statement, word in ((one.a, one.a_statement, words[0]), (one.b, one.b_statement, words[1])):
        if statement is None:
            st.caption("A statement that was deleted.")
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            where = grounds.span(word, statement)
            marking.show(statement, [Mark(*where)] if where else [])
            widgets.link("Its own page", "insight/insight.py", ":material/open_in_full:", id=insight)
    st.caption(judging.told(one))
