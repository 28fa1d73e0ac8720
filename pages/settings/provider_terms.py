"""What a provider's calls cost, how much its models take, and how many calls it takes at once."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from core.environment import get_settings
from core.settings import learned_contexts, provider_changes, provider_rows
from core.settings.provider_changes import Change
from core.settings.provider_prices import NAMES, Prices, Rates
from core.settings.provider_rows import ProviderRow
from pages.common import failures, formats
from pages.words import providers as words


def show(name: str) -> None:
    row = provider_rows.of(name)
    # Of what is in force: the fields begin anew where that changes.
    state = f"{name}-{words.terms(row)}"
    with st.expander(formats.plain(words.terms(row)), icon=":material/payments:", key=f"terms-{name}"):
        _prices(row.prices, state)
        _limits(row, state)
        locked = get_settings().settings_locked
        label = "Save prices and limits"
        st.button(label, key=f"save-terms-{state}", on_click=_save, args=(name, state), disabled=locked)


def _prices(now: Prices, state: str) -> None:
    chosen = st.segmented_control(
        "Prices",
        list(words.PRICES),
        default="own" if isinstance(now, Rates) else now,
        required=True,
        format_func=words.PRICES.__getitem__,
        key=f"prices-{state}",
    )
    st.caption(words.ABOUT_PRICES[chosen])
    if chosen == "own":
        rates = {name: f"{rate:f}" for name, rate in asdict(now).items()} if isinstance(now, Rates) else {}
        with st.grid(2, min_column_width=130):
            for name in NAMES:
                st.text_input(words.RATES[name], value=rates.get(name, ""), max_chars=20, key=f"rate-{name}-{state}")


def _limits(row: ProviderRow, state: str) -> None:
    with st.grid(2, min_column_width=130):
        st.number_input(
            "Context, tokens",
            min_value=learned_contexts.SMALLEST,
            max_value=provider_changes.LARGEST_CONTEXT,
            value=row.context_tokens,
            step=1,
            placeholder="as known",
            help="Of a question and its answer together, for all its models. What is longer is asked in parts. "
            "Empty: as it is known of the model, or as the server named it.",
            key=f"context-{state}",
        )
        st.number_input(
            "Calls at once",
            min_value=1,
            max_value=provider_changes.MOST_AT_ONCE,
            value=row.concurrency,
            step=1,
            placeholder="as many as go",
            help="Live calls of jobs, over all processes. A server that answers one at a time needs no figure here: "
            "Cairn waits for it. Set one where it refuses more, or to leave room for others.",
            key=f"at-once-{state}",
        )


def _entered(state: str) -> Change:
    """What the fields hold now: a click may come together with what was typed last."""
    found = st.session_state
    prices: Any = found[f"prices-{state}"]
    if prices == "own":
        rates = {name: found.get(f"rate-{name}-{state}", "") for name in NAMES}
        prices = {name: rate for name, rate in rates.items() if rate.strip()}
    return Change(prices=prices, context_tokens=found[f"context-{state}"], concurrency=found[f"at-once-{state}"])


def _save(name: str, state: str) -> None:
    failures.attempt(
        lambda: provider_changes.change(name, _entered(state)), "Saved. What is booked already keeps its cost."
    )
