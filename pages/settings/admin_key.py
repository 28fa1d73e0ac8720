"""The admin key of a provider's organization, for the invoice check alone: set and removed here, never shown."""

import streamlit as st

from core.environment import get_settings
from core.runtime import sealed_secrets
from core.settings import admin_keys, provider_rows
from pages.common import failures, formats


def show(name: str) -> None:
    found = admin_keys.of(name)
    where = {"here": "set here", "environment": "from the environment", None: "none"}[found.key_from]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Admin key: {where}",
            help="It reads what the organization used and was charged, for the invoice check on the Costs page. "
            "Calls are never made with it.",
        )
        if get_settings().settings_locked:
            return
        if st.button("Change" if found.key_from == "here" else "Set admin key", key=f"admin-{name}", type="tertiary"):
            st.session_state[f"admin-key-{name}"] = ""
            _change(name)
        if admin_keys.is_set_here(name) and st.button("Remove", key=f"remove-admin-{name}", type="tertiary"):
            failures.attempt(lambda: admin_keys.remove(name), "The admin key was removed.")
            st.rerun()
    if found.trouble or found.held_back:
        st.warning(formats.plain(found.missing or ""), icon=":material/warning:")


def form(name: str) -> None:
    st.markdown(f"**{formats.plain(provider_rows.label(name))}**")
    obstacle = sealed_secrets.obstacle()
    if obstacle:
        st.warning(formats.plain(f"No key can be set here. {obstacle}"), icon=":material/lock:")
    key = st.text_input(
        "Admin key",
        type="password",
        autocomplete="new-password",
        placeholder="sk-admin-…" if name == "openai" else "sk-ant-admin…",
        disabled=obstacle is not None,
        key=f"admin-key-{name}",
    )
    st.caption("An owner or admin of the organization makes one in its settings. It is stored sealed.")
    if st.button("Save", type="primary", disabled=not key.strip()):
        if refused := failures.refusal(lambda: admin_keys.change(name, key)):
            st.error(formats.plain(refused))
            return
        failures.notify("The admin key was saved.")
        st.rerun()


# A dismissed dialog runs the page again: only then does the session forget what was typed.
_change = failures.dialog("Admin key", on_dismiss="rerun")(form)
