"""What can be changed while Cairn runs, a tab for each part, and who changed what."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.asking import templates
from core.environment import get_settings
from pages import (
    settings_changes,
    settings_data,
    settings_defaults,
    settings_limits,
    settings_providers,
    settings_rates,
    settings_resilience,
    widgets,
)

st.title("Settings")
widgets.show_told()
if get_settings().settings_locked:
    st.info("Locked by the environment: SETTINGS_LOCKED is set, and everything is as the environment says.", icon="🔒")
operations = {view.id: view.name for view in templates.list_all()}
PARTS: dict[str, Callable[[], None]] = {
    "Providers": settings_providers.show,
    "When a provider fails": partial(settings_resilience.show, operations),
    "Rate limits": settings_rates.show,
    "Answers": settings_defaults.show,
    "Limits": settings_limits.show,
    "Retention": settings_data.show,
    "Changes": partial(settings_changes.show, operations),
}
# One that is open stays so in the link.
for tab, show in zip(st.tabs(list(PARTS), key="part", bind="query-params"), PARTS.values(), strict=True):
    with tab:
        show()
