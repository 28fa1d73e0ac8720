"""The zone whose days and months money is reported by."""

from zoneinfo import available_timezones

import streamlit as st

from core.environment import get_settings
from core.money import costs
from core.settings import reporting_zone
from pages.common import failures, formats
from pages.words import settings


def show() -> None:
    zone, source = reporting_zone.name()
    zones = sorted(available_timezones())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Time zone of days and months",
            zones,
            index=zones.index(zone),
            key=f"zone-{zone}-{source}",
            width=360,
            disabled=get_settings().settings_locked,
        )
        if chosen != zone:
            st.button("Save", key="save-zone", on_click=_save, args=(chosen,))
        elif source == "here":
            st.button("Use what the environment says", key="reset-zone", on_click=_save, args=(None,))
    st.caption(
        f"Now: {formats.plain(zone)} ({settings.SOURCES[source]}). Sums of costs are of its days, and budgets of its "
        "months. After a change all sums are made anew, which takes seconds, or a minute where there are millions of "
        "calls."
    )
    with costs.reading() as now:
        shown = now.zone.key
    if shown != zone:
        st.info(f"Sums are being made anew. Until then days are those of {formats.plain(shown)}.")


def _save(zone: str | None) -> None:
    failures.attempt(lambda: reporting_zone.change(zone), "Saved.")
