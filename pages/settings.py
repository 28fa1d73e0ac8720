"""What can be changed while Cairn runs: retries and breakers, models, and who changed what."""

import streamlit as st

from core import configuration, stored, templates
from pages import settings_defaults, settings_providers, settings_resilience, settings_words, widgets

SHOWN = 30

st.title("Settings")
widgets.show_told()
operations = {view.id: view.name for view in templates.list_all()}


def changes() -> None:
    st.subheader("Changes")
    found = stored.history(SHOWN)
    if not found:
        st.caption("Nothing was changed here yet. Every change is listed; the newest of each setting can be undone.")
    newest: set[str] = set()
    moment = widgets.utc_now()
    for change in found:
        about = settings_words.setting(change.name, operations)
        before, after = (settings_words.choice(change.name, of) for of in (change.before, change.after))
        with st.container(horizontal=True, vertical_alignment="center"):
            who = f" by {change.user}" if change.user else ""
            undone = " (undone)" if change.action == "undo" else ""
            st.markdown(
                f"**{widgets.plain(about)}** {widgets.plain(f'{before} → {after}')}"
                f" :gray[· {widgets.plain(widgets.ago(change.time, moment) + who + undone)}]",
                help=f"{change.time:%Y-%m-%d %H:%M:%S} UTC",
            )
            locked = configuration.is_ours(change.name) and configuration.snapshot().locked
            if change.name not in newest and not locked:
                st.button("Undo", key=f"undo-{change.id}", type="tertiary", on_click=undo, args=(change.id,))
        newest.add(change.name)


def undo(entry: int) -> None:
    widgets.attempt(lambda: configuration.undo(entry), "Put back.")


settings_resilience.show(operations)
settings_providers.show()
settings_defaults.show()
changes()
