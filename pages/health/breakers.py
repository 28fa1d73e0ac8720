"""Circuit breakers, one for each model: state, what waits behind each, opening and closing by hand."""

from datetime import datetime

import streamlit as st

from core.calls import breaker_by_hand, breaker_report
from core.calls.breaker_report import BreakerRow
from core.settings import defaults, provider_rows
from pages.common import failures, formats
from pages.words import breakers

SHOWN_CHANGES = 5
# The dialog that a button asked for. The page opens it: a fragment's next run would close a dialog opened in it.
ASKED = "breaker_asked"


def show(moment: datetime) -> None:
    st.subheader("Circuit breakers")
    found = breaker_report.lately()
    if not found:
        st.caption(
            "No model was called within a day. After too many failures in a row a model's breaker opens: live work for "
            "it waits, and is not failed."
        )
    for one in found:
        _line(one, moment)
    for change in breaker_report.changes(SHOWN_CHANGES):
        told = formats.plain(breakers.change(change, moment))
        st.caption(told, help=formats.exact(change.time))


def _line(one: BreakerRow, moment: datetime) -> None:
    icon, colour = LOOKS[one.state]
    name = formats.plain(breakers.name(one.provider, one.model))
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        told = formats.plain(breakers.meaning(one, moment))
        if one.state != "closed":
            waits = breakers.behind(one.requests, one.jobs) if one.requests else "nothing"
            told += f" · **{formats.plain(waits)}** waits behind it"
        st.markdown(
            f":{colour}[:material/{icon}:] **{name}** :{colour}-badge[{breakers.STATES[one.state]}] {told}",
            width="stretch",
        )
        if one.state != "open" or not one.by_hand:
            _ask("Open" if one.state == "closed" else "Keep open", "open", one)
        if one.state != "closed":
            _ask("Close", "close", one)


LOOKS = {"closed": ("check_circle", "green"), "open": ("block", "red"), "half_open": ("help", "orange")}


def _ask(label: formats.Markdown, action: str, one: BreakerRow) -> None:
    primary = "primary" if action == "close" else "secondary"
    if st.button(label, key=f"{action}-{one.provider}/{one.model}", type=primary):  # type: ignore[arg-type]
        st.session_state[ASKED] = action, one.provider, one.model
        st.rerun()


def dialogs() -> None:
    """Open the dialog that a button asked for. The page calls this, outside of the fragment."""
    action, provider, model = st.session_state.pop(ASKED, ("", "", ""))
    if action == "open":
        _open(provider, model)
    elif action == "close":
        _close(provider, model)


@st.dialog("Open this breaker")
def _open(provider: str, model: str) -> None:
    name = breakers.name(provider, model)
    requests, of_jobs = breaker_report.behind(provider, model)
    st.markdown(f"Stop **{formats.plain(name)}** by hand?")
    st.markdown(
        f"- Waits at once: {breakers.behind(requests, of_jobs)}, and every one that comes. None of them fails\n"
        "- Goes on: calls that are under way, batches, and all other models\n"
        "- Is refused, with the reason: a single text for this model over the API"
    )
    st.caption("In every process within two seconds, until a person closes it again.")

    def act() -> None:
        failures.attempt(lambda: breaker_by_hand.open_by_hand(provider, model), f"{name} is stopped.")

    if st.button("Open the breaker", type="primary", on_click=act):
        st.rerun()


@st.dialog("Close this breaker")
def _close(provider: str, model: str) -> None:
    name = breakers.name(provider, model)
    requests, of_jobs = breaker_report.behind(provider, model)
    st.markdown(f"Let work for **{formats.plain(name)}** go on?")
    st.markdown(
        f"- Goes out at once: {breakers.behind(requests, of_jobs)}\n"
        "- If the model still does not answer, the breaker opens again by itself"
    )
    st.caption("In every process within two seconds.")

    def act() -> None:
        failures.attempt(lambda: breaker_by_hand.close_by_hand(provider, model), f"{name} goes on.")

    if st.button("Close the breaker", type="primary", on_click=act):
        st.rerun()


def by_name() -> None:
    """Open the breaker of a model that is not in the list."""
    with (
        st.expander("Stop a model that is not listed", icon=":material/block:"),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        provider = st.selectbox(
            "Provider", provider_rows.remote(), format_func=provider_rows.label, key="stop_provider"
        )
        default = defaults.model_for(provider, None)
        options = list(dict.fromkeys([default, *defaults.suggested(provider)]))
        model = st.selectbox("Model", options, accept_new_options=True, key=f"stop_model_{provider}")
        if st.button("Open its breaker", disabled=not model):
            _open(provider, str(model).strip())
