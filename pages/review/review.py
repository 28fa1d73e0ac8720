"""Insights that may be the same or contradict one another, one head at a time; the most supported first."""

from collections.abc import Mapping

import streamlit as st

from core.documents import report as documents_report
from core.insights import review_report
from core.insights.report import Count
from core.tables.insights import PairKind
from pages.common import failures, widgets
from pages.review import comparison, judging, saying, settled
from pages.words import review

st.title("Review")
failures.show_notice()
saying.show_done()
names = documents_report.collection_names()


def chosen_kind(counts: Mapping[PairKind, Count]) -> PairKind:
    """It stands in the link by its name: the label changes with the number."""
    kinds = list(review.KINDS)
    some = next((kind for kind in kinds if counts[kind].count), kinds[0])
    asked = next((kind for kind in kinds if kind == st.query_params.get("kind")), some)
    st.session_state.setdefault("review_kind", asked)

    def keep() -> None:
        st.query_params["kind"] = st.session_state["review_kind"]

    st.segmented_control(
        "Kind",
        kinds,
        format_func=lambda kind: review.kind(kind, counts[kind].count, counts[kind].capped),
        key="review_kind",
        required=True,
        label_visibility="collapsed",
        on_change=keep,
    )
    kind: PairKind = st.session_state["review_kind"]
    return kind


with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    kinds = st.container()
    collection = st.selectbox(
        "Collection", names, index=None, placeholder="All collections", key="collection", bind="query-params",
        label_visibility="collapsed", width=240,
    )  # fmt: skip
    counts = review_report.open_counts(collection)
    with kinds:
        kind = chosen_kind(counts)
    state = st.segmented_control(
        "State", review.STATES, key="state", bind="query-params", default="open", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    judging.button(kind, collection, counts[kind].count)

if state == "settled":
    settled.show(kind, collection)
else:
    found = review_report.items(kind=kind, collection=collection, limit=1).items
    if found:
        comparison.show(found[0], collection)
    else:
        widgets.empty(review.EMPTY[kind], "insights/insights.py", "Insights")
link = {"kind": kind, "state": None if state == "open" else state, "collection": collection}
widgets.came_by("Review", "review/review.py", **link)
