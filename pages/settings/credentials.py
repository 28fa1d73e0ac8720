"""Setting and removing a provider's key and address. A key is in the browser and in the session for as long as the
dialog is open, and nowhere on a page after that."""

import streamlit as st

from core.calls import connection_test, report
from core.errors import CairnError, InvalidInput
from core.runtime import sealed_secrets
from core.settings import base_urls, credentials, defaults, provider_rows
from core.settings.credentials import Credentials
from pages.common import entering, failures, formats
from pages.words import credentials as words

REFUSED = "access-refused"


def buttons(how: Credentials) -> None:
    name = how.provider
    label = "Change key or address" if how.set_up or how.trouble else "Set key"
    if st.button(label, key=f"access-{name}", icon=":material/key:", on_click=_begin, args=(how,)):
        _change(name)
    if credentials.is_set_here(name) and st.button("Remove key", key=f"remove-{name}", type="tertiary"):
        _remove(name)


def _begin(how: Credentials) -> None:
    """Empty the fields: the dialog can be closed and opened in one run of the page, which keeps what was typed."""
    st.session_state.pop(REFUSED, None)
    st.session_state[f"key-{how.provider}"] = ""
    st.session_state[f"address-{how.provider}"] = _own_address(how)


def _own_address(how: Credentials) -> str:
    return how.address if how.address_from == "here" else ""


def form(name: str) -> None:
    now = credentials.of(name)
    st.markdown(f"**{formats.plain(provider_rows.label(name))}**")
    built_in = provider_rows.of(name).built_in
    obstacle = sealed_secrets.obstacle()
    if obstacle:
        st.warning(formats.plain(f"No key can be set here. {obstacle}"), icon=":material/lock:")
    key = st.text_input(
        "Key",
        type="password",
        autocomplete="new-password",
        placeholder="Empty: the key stays as it is" if now.key else "Paste the key",
        disabled=obstacle is not None,
        key=f"key-{name}",
    )
    st.session_state.setdefault(f"address-{name}", _own_address(now))
    address = st.text_input(
        "Address",
        placeholder=base_urls.shown(credentials.entered(name, "", "").address) if built_in else base_urls.EXAMPLE,
        help="Empty: as the environment says, else the provider's own. Another server is a provider of its own."
        if built_in
        else "The key is for this address alone; with another one it is entered anew.",
        key=f"address-{name}",
    )
    _tell_effects(now, key, address)
    _save(name, key, address)


# A dismissed dialog runs the page again: only then does the session forget what was typed.
_change = failures.dialog("Key and address", on_dismiss="rerun")(form)


def _tell_effects(now: Credentials, key: str, address: str) -> None:
    try:
        then = credentials.entered(now.provider, address, key)
    except InvalidInput:
        return
    if then.address != now.address and now.key and not then.key:
        st.warning(
            "The key that is set is for the present address and does not go along. Enter the key for the new one, if "
            "it needs one.",
            icon=":material/key_off:",
        )
    jobs, batches = report.under_way(now.provider)
    if (jobs or batches) and (key or then.address != now.address):
        lying = formats.count(batches, "provider batch", "provider batches")
        st.caption(
            f"Under way: {formats.count(jobs, 'job')} and {lying}. "
            "Calls go on with what you set. Batches can be fetched only where they were handed in, with a key of the "
            "same account; until that is so again they wait."
        )


def _save(name: str, key: str, address: str) -> None:
    """Test, then save: with a wrong key every call of a running job would fail."""
    if st.button("Test and save", type="primary"):
        st.session_state.pop(REFUSED, None)
        try:
            how = credentials.entered(name, address, key)
            with st.spinner("Asking for its models"):
                told = answered(name, connection_test.models(how)) if how.set_up else ""
            _store(name, key, address, f"{words.saved(name, key, address)} {told}")
            return
        except InvalidInput as error:
            failures.show_failure(error.message, error.code)
            return
        except CairnError as error:
            st.session_state[REFUSED] = error
    if refused := st.session_state.get(REFUSED):
        failures.show_failure(f"{refused.message} Nothing was saved.", refused.code)
        if st.button("Save anyway"):
            _store(name, key, address, f"{words.saved(name, key, address)} The provider has not answered.")


def _store(name: str, key: str, address: str, told: str) -> None:
    try:
        with entering.acting():
            credentials.change(name, address, key)
    except CairnError as error:
        failures.show_failure(error.message, error.code)
        return
    failures.notify(told)
    st.rerun()


def answered(name: str, models: list[str]) -> str:
    model = defaults.model_of(name)[0]
    among = "" if model in models or not models else f" {model} is not among them."
    return f"It answers and offers {formats.count(len(models), 'model')}.{among}"


@failures.dialog("Remove key")
def _remove(name: str) -> None:
    jobs, _ = report.under_way(name)
    then = credentials.without_key(name)
    if then.key_from == "environment":
        after = "Then the environment's key is used."
    elif then.set_up:
        after = f"Then it is called without a key at {base_urls.shown(then.address)}."
    else:
        after = (
            f"Then it is not set up, and its {formats.count(jobs, 'job')} under way would wait."
            if jobs
            else ("Then it is not set up.")
        )
    st.markdown(
        f"Remove the key of **{formats.plain(provider_rows.label(name))}** that was set here? {formats.plain(after)}"
    )
    st.caption("This cannot be undone: the key is not kept, and would have to be entered again.")

    def remove() -> None:
        failures.attempt(lambda: credentials.remove_key(name), "The key was removed.")

    if st.button("Remove", type="primary", on_click=remove):
        st.rerun()
