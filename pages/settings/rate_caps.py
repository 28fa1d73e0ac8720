"""Requests and tokens per minute: the limits that providers reported, and our own caps below them."""

from typing import Any

import streamlit as st

from core.calls import report
from core.calls.report import LimitRow
from core.environment import get_settings
from core.settings import provider_rows, rate_caps
from pages.common import failures, formats
from pages.words import settings


def show() -> None:
    st.caption(
        "Cairn keeps to the limits that providers tell with their answers, over all processes: calls beyond them wait. "
        "A cap of yours counts for each model where it is lower."
    )
    with st.grid(2, min_column_width=340):
        for name in provider_rows.remote():
            with st.container(border=True, height="stretch"):
                _caps(name)
    known = report.known_limits()
    if known:
        st.dataframe([_row(one) for one in known], hide_index=True)
    else:
        st.caption("No provider told of a limit yet.")


def _caps(name: str) -> None:
    now = rate_caps.caps_of(name)
    st.markdown(f"**{formats.plain(provider_rows.label(name))}**")
    state = f"{name}-{now.requests}-{now.tokens}-{now.source}"
    requests = _figure("Requests a minute", now.requests, f"cap-requests-{state}")
    tokens = _figure("Tokens a minute", now.tokens, f"cap-tokens-{state}")
    st.caption(f"Now: {_words(now)} ({settings.SOURCES[now.source]}).")
    with st.container(horizontal=True):
        if (requests, tokens) != (now.requests, now.tokens):
            st.button("Save", key=f"save-caps-{name}", on_click=_save, args=(name, requests, tokens))
        if now.source == "here":
            st.button(
                "Use what the environment says", key=f"reset-caps-{name}", on_click=_save, args=(name, None, None)
            )


def _figure(label: formats.Markdown, now: int | None, key: str) -> int | None:
    return st.number_input(
        label,
        min_value=1,
        max_value=rate_caps.LARGEST,
        value=now,
        step=1,
        placeholder="no cap",
        key=key,
        disabled=get_settings().settings_locked,
    )


def _words(now: rate_caps.Caps) -> formats.Markdown:
    return settings.rates({"requests": now.requests, "tokens": now.tokens}) or "no cap"


def _save(name: str, requests: int | None, tokens: int | None) -> None:
    failures.attempt(lambda: rate_caps.change_caps(name, requests, tokens), "Saved.")


def _row(limit: LimitRow) -> dict[str, Any]:
    return {
        "Provider": provider_rows.label(limit.provider),
        "Model": limit.model,
        "Limit of": settings.RATES[limit.kind],
        "Told, a minute": limit.a_minute,
        "May go out, a minute": int(limit.may),
        "Left now": int(limit.left),
    }
