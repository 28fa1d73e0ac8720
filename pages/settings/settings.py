"""What can be changed while Cairn runs, a tab for each part, and who changed what."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.asking import templates
from core.environment import get_settings
from pages.common import failures
from pages.settings import changes, defaults, limits, providers, rate_caps, reporting, resilience, retention

st.title("Settings")
failures.show_notice()
if get_settings().settings_locked:
    st.info(
        "Read only: whoever runs Cairn has set SETTINGS_LOCKED in its environment, and everything is as that says.",
        icon=":material/lock:",
    )
operations = {view.id: view.name for view in templates.list_all()}
PARTS: dict[str, Callable[[], None]] = {
    "Providers": providers.show,
    "When a provider fails": partial(resilience.show, operations),
    "Rate limits": rate_caps.show,
    "Answers": defaults.show,
    "Limits": limits.show,
    "Costs": reporting.show,
    "Retention": retention.show,
    "Changes": partial(changes.show, operations),
}
# The open tab stands in the link, and the others are not made.
for tab, show in zip(st.tabs(list(PARTS), key="part", bind="query-params"), PARTS.values(), strict=True):
    if tab.open:
        with tab:
            show()
