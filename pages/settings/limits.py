"""The limits that an admin sets: the value in force and its source. Each is changed by itself."""

from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from core.environment import get_settings
from core.settings import limits
from core.settings.limits import LIMITS
from pages.common import failures, formats
from pages.settings.providers import SOURCES
from pages.words import settings


@dataclass(frozen=True)
class LimitText:
    label: str
    unit: str
    meaning: str


TEXTS = {
    "max_upload_mb": LimitText("Largest upload", "MB", "Of one document, and of one file of own requests."),
    "live_concurrency": LimitText(
        "Live calls at once", "calls", "Of each jobs process. What is under way ends; then the new number holds."
    ),
    "confirm_job_usd": LimitText(
        "Ask before a job above",
        "USD",
        "A job that is estimated above this, or has no known price, starts only when that is confirmed.",
    ),
    "batches_in_flight": LimitText("Batches in flight", "batches", "At one provider. What does not fit waits."),
    "batch_tokens_in_flight": LimitText("Tokens in flight in batches", "tokens", "Input tokens at one provider."),
    "batch_usd_in_flight": LimitText("Money in flight in batches", "USD", "Estimated, at one provider."),
}


def _figure(name: str, value: Decimal | None) -> str:
    if value is None:
        return "none"
    return formats.money(value) if TEXTS[name].unit == "USD" else f"{int(value):,} {TEXTS[name].unit}"


def _about(name: str) -> str:
    return f"limit “{TEXTS[name].label.lower() if name in TEXTS else name}”"


settings.KINDS[limits.CEILING] = settings.Words(_about, lambda value: str(value["value"]))


def show() -> None:
    st.caption("What is set here holds in every process within two seconds.")
    with st.grid(3, min_column_width=260):
        for name in LIMITS:
            with st.container(border=True, height="stretch"):
                _one(name)


def _one(name: str) -> None:
    text, bounds = TEXTS[name], LIMITS[name]
    now, source = limits.of(name)
    kind = int if bounds.whole else float
    # The environment's value may lie outside of the bounds of this field.
    inside = None if now is None else kind(min(max(now, bounds.least), bounds.most))
    st.markdown(f"**{text.label}**")
    st.caption(text.meaning)
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
        st.caption(f"Now: {formats.plain(_figure(name, now))} ({SOURCES[source]})")
        if entered is not None and entered != inside:
            st.button("Save", key=f"save-{name}", on_click=_save, args=(name, Decimal(str(entered))))
        elif source == "here":
            st.button("Take back", key=f"back-{name}", type="tertiary", on_click=_save, args=(name, None))
    if name == "max_upload_mb":
        _pages_take(int(now or 0))


def _pages_take(now: int) -> None:
    most = st.get_option("server.maxUploadSize")
    if most < now:
        st.caption(f"The pages take {most:,} MB at most: raise `STREAMLIT_SERVER_MAX_UPLOAD_SIZE` as well.")


def _save(name: str, value: Decimal | None) -> None:
    failures.attempt(lambda: limits.change(name, value, by=settings.DOOR), "Saved.")
