"""Insights that may be the same or contradict one another, one head at a time; the most supported first."""

from collections.abc import Mapping

import streamlit as st

from core.documents import report as documents_report
from core.insights import review_report
from core.insights.report import Count
from core.runtime import db
from core.tables.insights import PairKind
from pages.common import failures, widgets
from pages.review import comparison, judging, saying, settled
from pages.words import review

st.title("Review")
failures.show_notice()
saying.show_done()
KINDS = list(review.KINDS)
MOST = 5  # with one insight


def asked_kind() -> PairKind | None:
    """It stands in the link by its name: the label changes with the number."""
    asked = st.session_state.get("review_kind", st.query_params.get("kind"))
    return next((kind for kind in KINDS if kind == asked), None)


def chosen_kind(counts: Mapping[PairKind, Count]) -> PairKind:
    """The one that was asked for, else the first of which there are some."""
    some = next((kind for kind in KINDS if counts[kind].count), KINDS[0])
    st.session_state.setdefault("review_kind", asked_kind() or some)

    def keep() -> None:
        st.query_params["kind"] = st.session_state["review_kind"]

    st.segmented_control(
        "Kind",
        KINDS,
        format_func=lambda kind: review.kind(kind, counts[kind].count, counts[kind].capped),
        key="review_kind",
        required=True,
        label_visibility="collapsed",
        on_change=keep,
    )
    kind: PairKind = st.session_state["review_kind"]
    return kind


asked, within = asked_kind(), st.session_state.get("collection", st.query_params.get("collection"))
with db.side_by_side() as group:
    collections = group.read(documents_report.collection_names)
    group.ahead(review_report.open_counts, within)
    if asked is not None and st.session_state.get("state", st.query_params.get("state")) != "settled":
        group.ahead(review_report.next_ones, asked, within, most=MOST)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    kinds = st.container(width="content")
    collection = st.selectbox(
        "Collection", collections.found, index=None, placeholder="All collections", key="collection",
        bind="query-params", label_visibility="collapsed", width=240,
    )  # fmt: skip
    counts = db.read(review_report.open_counts, collection)
    with kinds:
        kind = chosen_kind(counts)
    state = st.segmented_control(
        "State", review.STATES, key="state", bind="query-params", default="open", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    judging.button(kind, collection, counts[kind].count)

if state == "settled":
    settled.show(kind, collection)
elif pairs := db.read(review_report.next_ones, kind, collection, most=MOST):
    comparison.show(pairs, collection)
else:
    widgets.empty(review.EMPTY[kind], "insights/insights.py", "Insights")
link = {"kind": kind, "state": None if state == "open" else state, "collection": collection}
widgets.came_by("Review", "review/review.py", **link)
