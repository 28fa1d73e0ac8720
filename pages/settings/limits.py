"""The limits that an admin sets: the value in force and its source. Each is changed by itself."""

from decimal import Decimal

import streamlit as st

from core.environment import get_settings
from core.settings import limits
from core.settings.limits import LIMITS
from pages.common import failures, formats
from pages.words import settings


def show() -> None:
    st.caption("What is set here holds in every process within two seconds.")
    with st.grid(3, min_column_width=260):
        for name in LIMITS:
            with st.container(border=True, height="stretch"):
                _one(name)


def _one(name: str) -> None:
    text, bounds = settings.LIMIT_TEXTS[name], LIMITS[name]
    now, source = limits.of(name)
    kind = int if bounds.whole else float
    # The environment's value may lie outside of the bounds of this field.
    inside = None if now is None else kind(min(max(now, bounds.least), bounds.most))
    st.markdown(f"**{text.label}**")
    st.caption(f"{text.meaning} *Recommended:* {text.advice[0].lower()}{text.advice[1:]}".replace("$", r"\$"))
    entered = st.number_input(
        text.unit,
        kind(bounds.least),
        kind(bounds.most),
        inside,
        step=kind(1),
        key=f"{name}-{now}-{source}",
        placeholder="none",
        disabled=get_settings().settings_locked,
        help=f"{bounds.least:,} to {bounds.most:,}",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Now: {formats.plain(settings.limit(name, now))} ({settings.SOURCES[source]})")
        if entered is not None and entered != inside:
            st.button("Save", key=f"save-{name}", on_click=_save, args=(name, Decimal(str(entered))))
        elif source == "here":
            st.button("Back to the default", key=f"back-{name}", type="tertiary", on_click=_save, args=(name, None))
    if name == "max_upload_mb":
        _pages_take(int(now or 0))


def _pages_take(now: int) -> None:
    most = st.get_option("server.maxUploadSize")
    if most < now:
        st.caption(f"The pages take {most:,} MB at most: raise `STREAMLIT_SERVER_MAX_UPLOAD_SIZE` as well.")


def _save(name: str, value: Decimal | None) -> None:
    failures.attempt(lambda: limits.change(name, value), "Saved.")
