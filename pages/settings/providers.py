"""Providers: how each is called, whether it can be reached, what it costs and takes, and what was learned of it."""

import streamlit as st

from core.calls import connection_test
from core.environment import get_settings
from core.errors import CairnError
from core.settings import base_urls, credentials, defaults, learned_contexts, learned_forms, provider_rows, store
from core.settings.credentials import Credentials
from pages.common import failures, formats
from pages.settings import admin_key, provider_adding, provider_terms
from pages.settings import credentials as credential_dialogs
from pages.words import models, settings

ADDRESSES = {**settings.SOURCES, "default": "the provider's own"}


def show() -> None:
    st.caption(
        "A key is stored sealed, never shown again, and sent to the address that it was entered for and nowhere else. "
        "A change is in force in every process within two seconds; calls in flight end as they began."
    )
    if not get_settings().settings_locked:
        provider_adding.button()
    with st.grid(2, min_column_width=340):
        for name in provider_rows.remote():
            with st.container(border=True, height="stretch"):
                _card(name)


def _card(name: str) -> None:
    how = credentials.of(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{formats.plain(provider_rows.label(name))}**")
        _badge(how)
    address = formats.plain(base_urls.shown(how.address))
    st.markdown(f"Address: {address} :gray[({ADDRESSES[how.address_from]})]  \nKey: {_key(how)}")
    if how.warning:
        st.warning(formats.plain(how.warning), icon=":material/warning:")
    if not get_settings().settings_locked:
        with st.container(horizontal=True):
            credential_dialogs.buttons(how)
            if not provider_rows.of(name).built_in:
                provider_adding.take_away_button(name)
    _model(name)
    provider_terms.show(name)
    if provider_rows.of(name).built_in:
        admin_key.show(name)
    _learned(name, how.address)
    if how.set_up:
        _test(how)


def _badge(how: Credentials) -> None:
    if how.key_from:
        st.badge("key set here" if how.key_from == "here" else "key of the environment", color="green")
    elif how.trouble:
        st.badge("key cannot be used", color="red")
    elif how.set_up:
        st.badge("no key", color="blue", help="Servers of one's own often need none.")
    else:
        st.badge("not set up", color="gray")


def _key(how: Credentials) -> formats.Markdown:
    if how.key_from == "environment" and not how.trouble:
        return f"from the environment, {formats.plain(f'{how.provider.upper()}_API_KEY')}"
    changed = store.last_changed(f"{store.KEY}{how.provider}") if credentials.is_set_here(how.provider) else None
    if changed is None:
        return "none"
    time, who = changed
    return f"set {formats.plain(' · '.join(filter(None, (formats.ago(time, formats.utc_now()), who))))}"


def _model(name: str) -> None:
    model, source = defaults.model_of(name)
    entered = st.text_input(
        "Default model",
        value=model if source == "here" else "",
        placeholder=f"{model} ({settings.SOURCES[source]})",
        help="Empty: as the environment says."
        if provider_rows.of(name).built_in
        else "Empty: that of its kind, which few servers have.",
        max_chars=defaults.MODEL_CHARACTERS,
        key=f"model-{name}-{model}-{source}",
        disabled=get_settings().settings_locked,
    )
    if ends := models.end(name, model, formats.utc_now().date()):
        st.warning(ends, icon=":material/event_busy:")
    if entered.strip() != (model if source == "here" else ""):

        def save() -> None:
            failures.attempt(lambda: defaults.change_model(name, entered), "Saved.")

        st.button("Save", key=f"save-{name}", on_click=save)


def _learned(name: str, address: str) -> None:
    """What was learned of the server, with a button to forget it: it may take more since."""
    for one in learned_forms.known(name, address):
        with st.container(horizontal=True, vertical_alignment="center"):
            model, form = formats.plain(one.model), formats.plain(settings.form(one.form))
            st.caption(f"{model} is asked in the form it takes: {form}.", help=formats.plain(one.said))
            st.button(
                "Forget this form",
                help="The next question is asked as usual; what this server takes is learned anew.",
                key=f"forget-{name}-{one.model}",
                on_click=_forget,
                args=(name, one.model),
                disabled=get_settings().settings_locked,
            )

    for named, tokens in learned_contexts.known(name, address).items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{formats.plain(named)} takes {tokens:,} tokens, as its server said.")
            st.button(
                "Forget this length",
                help="Texts are cut by Cairn's own list again, until the server says how long they may be.",
                key=f"forget-context-{name}-{named}",
                on_click=_forget_context,
                args=(name, named),
                disabled=get_settings().settings_locked,
            )


def _forget(name: str, model: str) -> None:
    failures.attempt(lambda: learned_forms.forget(name, model), "Forgotten. The next question is asked as usual.")


def _forget_context(name: str, model: str) -> None:
    failures.attempt(lambda: learned_contexts.forget(name, model), "Forgotten. The next job goes by what is known.")


def _test(how: Credentials) -> None:
    """The result stays until a setting is changed."""
    key = f"tested-{how.provider}"
    if st.button("Test connection", key=f"test-{how.provider}", icon=":material/network_check:"):
        with st.spinner("Asking for its models"):
            st.session_state[key] = store.values(), *_tested(how)
    values, well, told = st.session_state.get(key, (None, False, ""))
    if values is store.values():
        show_result = st.success if well else st.error
        show_result(formats.plain(told), icon=":material/check_circle:" if well else ":material/error:")


def _tested(how: Credentials) -> tuple[bool, str]:
    try:
        return True, credential_dialogs.answered(how.provider, connection_test.models(how))
    except CairnError as error:
        return False, error.message
