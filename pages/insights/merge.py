"""The dialog that merges insights: which wording stays, what would support it, and in which words they differ."""

from collections.abc import Sequence

import streamlit as st

from core.insights import merging, report
from core.insights.merging import Candidate, Preview
from core.insights.report import InsightRow
from pages.common import failures, formats, marking
from pages.common.marking import Mark
from pages.parts.insight import acting
from pages.words import insights

CHOSEN = "insights_to_merge"


def begin(ids: Sequence[str]) -> None:
    """The dialog stays open over the runs of the page until it has acted or is closed."""
    st.session_state[CHOSEN] = list(ids)


def is_open() -> bool:
    return CHOSEN in st.session_state


def _close() -> None:
    st.session_state.pop(CHOSEN, None)


@failures.dialog("Merge insights", width="large", on_dismiss=_close)
def dialog() -> None:
    ids = st.session_state.get(CHOSEN)
    if ids is None:
        st.rerun()
    _show(ids)


def _show(ids: Sequence[str]) -> None:
    failures.show_notice()
    best = sorted(report.get_all(ids), key=lambda row: (-row.support, row.id))
    into = best[_staying(best)].id
    planned = merging.preview(into, [one for one in ids if one != into])
    if not planned.candidates:
        st.info("They are one insight already.")
        return
    after = formats.count(planned.support_after, "document")
    grows = f"changes from **{planned.support_before:,} to {after}**"
    support = f"stays **{after}**" if planned.support_before == planned.support_after else grows
    st.markdown(f"Its support {support}. The others are kept whole, and can be taken out again at any time.")
    for one in planned.candidates:
        with st.container(border=True):
            _compare(planned, one)
    _confirm(planned, into, ids)


def _staying(rows: Sequence[InsightRow]) -> int:
    return st.radio(
        "The wording that stays",
        range(len(rows)),
        format_func=lambda at: formats.plain(rows[at].words),
        captions=[insights.known(row) for row in rows],
        key="merge_into",
    )


def _compare(planned: Preview, one: Candidate) -> None:
    marking.show(planned.statement, [Mark(*span) for each in one.differs for span in each.a_spans])
    marking.show(one.statement, [Mark(*span) for each in one.differs for span in each.b_spans])
    if one.other_question:
        st.error("It answers another question, so the two are never one.", icon=":material/block:")
    elif one.reasons:
        st.warning(insights.refused(one.reasons), icon=":material/warning:")
    else:
        st.caption(insights.differing([each.kind for each in one.differs]))


def _confirm(planned: Preview, into: str, ids: Sequence[str]) -> None:
    others = [one for one in ids if one != into]
    never = any(one.other_question for one in planned.candidates)
    blocked = any(one.blocks for one in planned.candidates)
    forced = blocked and not never and st.checkbox("They say the same: merge them nevertheless", key="merge_force")

    def act() -> None:
        done = merging.merge(into, others, force=forced)
        numbers = len(planned.candidates), done.support_before, done.support_after
        acting.note(acting.Done("merged", numbers, done.id))
        _close()

    st.button(
        f"Merge {len(ids):,} into one",
        type="primary",
        disabled=never or (blocked and not forced),
        on_click=lambda: acting.attempt(act),
    )
