"""Circuit breakers, one for each model: state, what waits behind each, stopping and resuming by hand."""

from datetime import datetime

import streamlit as st

from core.calls import breaker_by_hand, breaker_report
from core.calls.breaker_report import BreakerRow
from core.runtime import db
from core.settings import defaults, provider_rows
from pages.common import failures, formats, widgets
from pages.words import breakers

SHOWN_CHANGES = 5
# The dialog that a button asked for. The page opens it: a fragment's next run would close a dialog opened in it.
ASKED = "breaker_asked"


def show(moment: datetime) -> None:
    st.header("Models, working or stopped")
    found = db.read(breaker_report.lately)
    if not found:
        st.caption(
            "No model was called within a day. After too many failures in a row a model is stopped by its circuit "
            "breaker: live work for it waits, and does not fail."
        )
    for one in found:
        _line(one, moment)
    for change in db.read(breaker_report.changes, SHOWN_CHANGES):
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
            _ask("Stop" if one.state == "closed" else "Keep stopped", "open", one)
        if one.state != "closed":
            _ask("Resume", "close", one)


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


@failures.dialog("Stop this model")
def _open(provider: str, model: str) -> None:
    name = breakers.name(provider, model)
    requests, of_jobs = breaker_report.behind(provider, model)
    st.markdown(f"Stop **{formats.plain(name)}** by hand?")
    st.markdown(
        f"- These wait: {breakers.behind(requests, of_jobs)}, and every new one. None of them fails\n"
        "- These go on: calls already sent, batches, and all other models\n"
        "- This is refused, with the reason: a single text for this model over the API"
    )
    st.caption("It holds in every process within two seconds, until a person resumes the model.")

    def act() -> None:
        failures.attempt(lambda: breaker_by_hand.open_by_hand(provider, model), f"{name} is stopped.")

    if st.button("Stop the model", type="primary", on_click=act):
        st.rerun()


@failures.dialog("Resume this model")
def _close(provider: str, model: str) -> None:
    name = breakers.name(provider, model)
    requests, of_jobs = breaker_report.behind(provider, model)
    st.markdown(f"Send requests to **{formats.plain(name)}** again?")
    st.markdown(
        f"- These are sent at once: {breakers.behind(requests, of_jobs)}\n"
        "- If the model still does not answer, it is stopped again by itself"
    )
    st.caption("It holds in every process within two seconds.")

    def act() -> None:
        failures.attempt(lambda: breaker_by_hand.close_by_hand(provider, model), f"{name} is resumed.")

    if st.button("Resume the model", type="primary", on_click=act):
        st.rerun()


def by_name() -> None:
    """Stop a model that is not in the list."""
    opened = widgets.expander("Stop a model that is not listed", "stop_another", ":material/block:")
    if opened is None:
        return
    with opened, st.container(horizontal=True, vertical_alignment="bottom"):
        provider = st.selectbox(
            "Provider", provider_rows.remote(), format_func=provider_rows.label, key="stop_provider"
        )
        default = defaults.model_for(provider, None)
        options = list(dict.fromkeys([default, *defaults.suggested(provider)]))
        model = st.selectbox("Model", options, accept_new_options=True, key=f"stop_model_{provider}")
        if st.button("Stop it", disabled=not model):
            _open(provider, str(model).strip())
