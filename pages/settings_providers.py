"""Providers: set up or not, reachable or not, and the model where none is chosen."""

from urllib.parse import urlsplit

import streamlit as st

from core import access, clients, connection, defaults
from core.errors import CairnError
from core.settings import get_settings
from pages import settings_words, widgets

SOURCES = {"default": "default", "environment": "from the environment", "here": "set here"}


def show() -> None:
    st.caption(
        "Keys are set by the environment and never shown; after a change there, start again. Models can be set here."
    )
    with st.grid(2, min_column_width=340):
        for name in defaults.PROVIDERS:
            with st.container(border=True, height="stretch"):
                _card(name)


def _card(name: str) -> None:
    settings = get_settings()
    key, address = getattr(settings, f"{name}_api_key"), getattr(settings, f"{name}_base_url")
    there = name in clients.configured()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{widgets.PROVIDERS[name]}**")
        st.badge("key set" if key else "no key", color="green" if key else "gray")
    variable = name.upper()
    st.caption(f"Address: {_address(address)} · set up by `{variable}_API_KEY` and `{variable}_BASE_URL`")
    _model(name)
    if not there:
        st.caption("Not set up.")
    elif st.button("Test connection", key=f"test-{name}", icon=":material/network_check:"):
        _test(name)


def _address(url: str | None) -> str:
    """Without what may be a secret in it."""
    if url is None:
        return "the provider's own"
    parts = urlsplit(url)
    return f"`{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}`"


def _model(name: str) -> None:
    model, source = defaults.model_of(name)
    entered = st.text_input(
        "Model where none is chosen",
        value=model if source == "here" else "",
        placeholder=f"{model} ({SOURCES[source]})",
        help="Empty: as the environment says.",
        max_chars=defaults.MODEL_CHARACTERS,
        key=f"model-{name}-{model}-{source}",
    )
    if entered.strip() != (model if source == "here" else ""):

        def save() -> None:
            widgets.attempt(lambda: defaults.change_model(name, entered, by=settings_words.DOOR), "Saved.")

        st.button("Save", key=f"save-{name}", on_click=save)


def _test(name: str) -> None:
    try:
        with st.spinner("Asking for its models"):
            found = connection.models(access.of(name))
    except CairnError as error:
        st.error(widgets.plain(error.message), icon=":material/error:")
        return
    model = defaults.model_of(name)[0]
    among = "" if model in found or not found else f" {model} is not among them."
    st.success(widgets.plain(f"It answers and offers {widgets.count(len(found), 'model')}.{among}"))
