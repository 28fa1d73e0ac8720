"""What a judge said of pairs, what became of it, and its undo."""

from functools import partial

import streamlit as st

from core.jobs.report import JobRow
from core.judging import grounds, report, undo
from core.judging.report import JudgedRow
from pages.common import failures, marking, widgets
from pages.common.marking import Mark
from pages.words import judging

SHOWN = 50


def show(row: JobRow) -> None:
    found = report.sum_up(row.id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(judging.sum_up(found))
        with st.container(horizontal=True, width="content"):
            if found.settled and row.ended:
                st.button(
                    f"Undo its verdicts ({found.settled:,})",
                    icon=":material/undo:",
                    key="undo-verdicts",
                    help="Its merges are undone and its pairs are open again. What a person settled stays.",
                    on_click=partial(_undo, row.id),
                )
            widgets.link("Review", "review/review.py", ":material/rule:")
    page = report.pairs(row.id, limit=SHOWN)
    for one in page.items:
        with st.container(border=True):
            _pair(one)
    if page.next_cursor:
        st.caption(f"The first {SHOWN:,} are shown. All of them: the API's /review/judge.")


def _undo(job_id: str) -> None:
    def act() -> None:
        found = undo.undo(job_id)
        failures.notify(judging.undone(found.reopened, len(found.restored)))

    failures.attempt(act)


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
