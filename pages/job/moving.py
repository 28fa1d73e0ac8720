"""Move the waiting requests of a job to the other lane, or on with another model, each with its price."""

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from core.errors import CairnError
from core.jobs import moving
from core.jobs.launch import Lane
from core.jobs.moving import MoveEstimate
from core.jobs.report import JobRow
from core.settings import provider_rows
from pages.common import failures, formats
from pages.parts import choices, launch
from pages.words import breakers

OTHER_LANE: dict[str, Lane] = {"live": "batch", "batch": "live"}
LANE_WORDS = {"batch": "To the batch lane", "live": "To the live lane"}
MODEL = "On with another model"


@failures.dialog("Move waiting requests")
def dialog(row: JobRow) -> None:
    if st.session_state.pop("moved", False):
        st.rerun()
    now = formats.utc_now()
    here = moving.estimate(row.id, now)
    lane = OTHER_LANE[row.lane]
    # A canary always goes live; custom requests, and pairs, are written for their model.
    ways = [*([] if row.canary else [LANE_WORDS[lane]]), *([MODEL] if row.asks_documents else [])]
    are = "is" if max(here.documents, here.requests if not here.documents else 0) == 1 else "are"
    st.markdown(
        f"**{_number(here)}** of **{formats.plain(row.name)}** {are} waiting. Requests already sent are not affected."
    )
    way = st.radio("Where", ways, key="move_way")
    if way == MODEL:
        _model(row, here)
    else:
        _lane(row, lane, here)


def _number(found: MoveEstimate) -> formats.Markdown:
    return formats.count(found.documents, "document") if found.documents else formats.count(found.requests, "request")


def _lane(row: JobRow, lane: Lane, here: MoveEstimate) -> None:
    cost = {"live": here.cost_live, "batch": here.cost_batch}
    when = "within 24 hours" if lane == "batch" else "now, at full price"
    if provider_rows.can(row.provider).is_local:
        when = "on this machine"
    _compare(f"There, {when}", cost[lane], "Here", cost[OTHER_LANE[lane]])
    st.button(f"Move {_number(here)}", type="primary", on_click=lambda: _act(lambda: moving.to_lane(row.id, lane)))


def _model(row: JobRow, here: MoveEstimate) -> None:
    provider, model = choices.model("move", (row.provider, row.model))
    try:
        there = moving.estimate(row.id, formats.utc_now(), provider, model)
    except CairnError as error:
        st.info(formats.plain(error.message))
        return
    launch.warn_if_open(provider, model)
    costs = [one.cost_batch if row.lane == "batch" else one.cost_live for one in (there, here)]
    _compare(formats.plain(breakers.name(provider, model)), costs[0], formats.plain(row.model), costs[1])
    if there.reused:
        st.caption(f"Known already, and free: {there.reused:,}.")
    if there.too_long:
        st.warning(f"Too long for {formats.plain(model)}, and bound to fail: {there.too_long:,}.")
    st.caption(
        "They are asked anew: answers of another model are not those of this one. Of a long document of which some "
        "parts are answered, those are set aside, and it is asked as a whole."
    )
    st.button(
        f"Go on with {_number(there)}",
        type="primary",
        on_click=lambda: _act(lambda: moving.to_model(row.id, provider, model)),
    )


def _compare(there: formats.Markdown, cost: Decimal | None, here: formats.Markdown, cost_here: Decimal | None) -> None:
    left, right = st.columns(2)
    left.metric(f"{there}, about", launch.price(cost))
    right.metric(f"{here}, about", launch.price(cost_here))


def _act(move: Callable[[], object]) -> None:
    failures.attempt(move)
    st.session_state["moved"] = True
