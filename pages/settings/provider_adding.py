"""Adding a provider, and taking one away."""

import streamlit as st

from core.calls import connection_test
from core.errors import CairnError
from core.providers.capabilities import REMOTE
from core.runtime import sealed_secrets
from core.settings import base_urls, credentials, provider_changes, provider_rows
from core.settings.provider_changes import Change
from pages.common import entering, failures, formats
from pages.words import providers as words


def form() -> None:
    name = st.text_input(
        "Name", placeholder="Ollama in the lab", max_chars=provider_rows.NAME_CHARACTERS, key="new-provider-name"
    )
    kind = st.selectbox("Its API", REMOTE, format_func=words.KINDS.__getitem__, key="new-provider-kind")
    address = st.text_input(
        "Address",
        placeholder="http://localhost:11434/v1",
        help="As the server's own guide says, mostly with /v1 at its end. https, or http within your own network.",
        key="new-provider-address",
    )
    obstacle = sealed_secrets.obstacle()
    key = st.text_input(
        "Key",
        type="password",
        autocomplete="new-password",
        placeholder="Empty where it needs none",
        help=formats.plain(obstacle) if obstacle else "It is stored sealed, and sent to this address alone.",
        disabled=obstacle is not None,
        key="new-provider-key",
    )
    model = st.text_input("Default model", placeholder="llama3.1", key="new-provider-model")
    prices = st.segmented_control(
        "Prices",
        ["list", "free"],
        default="list",
        required=True,
        format_func=words.PRICES.__getitem__,
        help="Own rates can be set on its card afterwards.",
        key="new-provider-prices",
    )
    st.caption(words.ABOUT_PRICES[prices])
    if st.button("Add", type="primary"):
        wanted = Change(base_url=address, key=key, default_model=model, prices=prices)
        try:
            with entering.acting():
                provider_changes.add(name, kind, wanted)
        except CairnError as error:
            failures.show_failure(error.message, error.code)
            return
        with st.spinner("Asking for its models"):
            told = _answers(provider_rows.checked_name(name))
        failures.notify(f"The provider was added. {told}")
        st.rerun()


def _answers(name: str) -> str:
    try:
        found = connection_test.models_of(name)
    except CairnError as error:
        return f"It does not answer yet: {error.message}"
    return f"It answers and offers {formats.count(len(found), 'model')}."


_add = failures.dialog("Add a provider", on_dismiss="rerun")(form)


def button() -> None:
    if st.button("Add a provider", icon=":material/add:", on_click=_begin):
        _add()


def _begin() -> None:
    for field in ("name", "address", "key", "model"):
        st.session_state[f"new-provider-{field}"] = ""


def take_away_button(name: str) -> None:
    if st.button("Take away", key=f"take-away-{name}", type="tertiary"):
        _take_away(name)


@failures.dialog("Take a provider away")
def _take_away(name: str) -> None:
    label = formats.plain(provider_rows.label(name))
    address = formats.plain(base_urls.shown(credentials.of(name).address))
    st.markdown(f"Take **{label}** at {address} away, with its key, its prices and what was learned of it?")
    st.caption("Its answers, findings and costs stay. While a job that has not ended needs it, it stays too.")

    def take_away() -> None:
        failures.attempt(lambda: provider_changes.remove(name), f"{name} was taken away.")

    if st.button("Take away", type="primary", on_click=take_away):
        st.rerun()
