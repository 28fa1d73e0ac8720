"""Ask a model what open pairs are: choose it, see the price in either lane, and launch."""

from functools import partial

import streamlit as st

from core.calls import clients
from core.errors import CairnError
from core.jobs.launch import Lane
from core.judging import launch
from core.judging.launch import JudgeSpec
from core.settings import provider_rows
from core.tables.insights import PairKind
from pages.common import failures, formats, widgets
from pages.parts import choices
from pages.parts import launch as parts_launch
from pages.words import judging, review

LAUNCHED = "judge_launched"


def button(kind: PairKind, collection: str | None, number: int) -> None:
    """`number`: how many pairs of the kind are open."""
    possible = any(provider_rows.can(name).can_judge for name in clients.configured())
    pressed = st.button(
        "Ask a model…",
        icon=":material/psychology:",
        key="ask-a-model",
        disabled=not (possible and number),
        help=None if possible else judging.NEEDS_A_MODEL,
    )
    if pressed:
        _dialog(kind, collection, number)


@failures.dialog("Ask a model")
def _dialog(kind: PairKind, collection: str | None, number: int) -> None:
    if job := st.session_state.pop(LAUNCHED, None):
        widgets.go("job/job.py", id=job)
    st.markdown(judging.INTRODUCTION)
    provider, model = choices.model("judge")
    if not provider_rows.can(provider).can_judge:
        st.info(judging.NEEDS_A_MODEL)
        return
    parts_launch.warn_if_open(provider, model)
    kinds = {"this": f"{review.KINDS[kind]}", "all": "All kinds"}
    which = st.segmented_control(
        "Which pairs", list(kinds), format_func=kinds.__getitem__, default="this", required=True, key="judge_which"
    )
    most = st.number_input(
        "At most so many, the best supported first", 1, launch.MOST, min(max(number, 1), launch.USUAL), key="judge_most"
    )
    lane: Lane = st.segmented_control(
        "Lane",
        list(parts_launch.LANES),
        format_func=parts_launch.LANES.__getitem__,
        default="live",
        required=True,
        key="judge_lane",
    )
    if lane == "batch":
        st.caption(formats.plain(parts_launch.turnaround(provider, model)))
    spec = JudgeSpec(provider, model, lane, int(most), kind if which == "this" else None, collection)
    try:
        found = launch.estimate(spec, formats.utc_now())
    except CairnError as error:
        st.info(formats.plain(error.message))
        return
    st.caption(judging.figures(found))
    confirmed = parts_launch.confirmed(provider, found.cost(lane))
    st.button(
        judging.ask(found, parts_launch.price(found.cost(lane))),
        type="primary",
        key="judge_launch",
        disabled=not (found.pairs and confirmed),
        on_click=partial(_launch, spec, confirmed),
    )


def _launch(spec: JudgeSpec, confirmed: bool) -> None:
    def act() -> None:
        asked = JudgeSpec(**{**vars(spec), "confirmed": confirmed})
        st.session_state[LAUNCHED] = launch.create(asked, formats.utc_now())

    failures.attempt(act)
