"""Calls without a price, as a queue: one action sets a price and books them. Below, the prices that were set."""

from collections.abc import Callable
from datetime import UTC
from typing import get_args

import streamlit as st

from core.errors import CairnError
from core.money import own_price_changes, own_prices, unpriced
from core.money.own_price_changes import NewPrice
from core.money.own_prices import OwnPrice
from core.money.unpriced import Unpriced
from core.providers.usage import Tier
from core.settings import provider_rows
from pages.common import failures, formats
from pages.common.formats import Markdown
from pages.words import costs as words


def show() -> None:
    waiting = unpriced.queue()
    if not waiting:
        st.success("Every call has a price.", icon=":material/check_circle:")
    else:
        st.markdown(
            "These calls are in no sum of money. A price that you set books them at once, by the rates of their day."
        )
    for at, one in enumerate(waiting):
        _one(at, one)
    st.header("Prices that were set here")
    st.caption(
        "They count before the price list; where several names fit, the longest one does. What is booked does not "
        "change when a price does: set another one from the day on which it changes."
    )
    if st.button("Set a price", icon=":material/add:"):
        _dialog(None)
    for price in reversed(own_prices.every()):
        _price(price)


def _one(at: int, one: Unpriced) -> None:
    with st.container(border=True, key=f"unpriced-{at}"), st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{formats.plain(one.model)}**, {formats.plain(provider_rows.label(one.provider))}: "
            f"{formats.count(one.calls, 'call')}, {one.input_tokens:,} tokens in, {one.output_tokens:,} out, since "
            f"{one.first:%b %-d}. {words.REASONS[one.reason]}",
            width="stretch",
        )
        if one.suggestion and st.button(
            f"Price it like {formats.plain(one.suggestion)}", key=f"as-{at}", help=words.ABOUT_AS
        ):
            suggested = one.suggestion
            failures.attempt(lambda: _book(NewPrice(one.provider, one.model, one.first.date(), as_model=suggested)))
            st.rerun()
        if one.reason in ("no_price", "no_rate") and st.button("Set a price", key=f"price-{at}"):
            _dialog(one)


def _book(new: NewPrice) -> None:
    booked = unpriced.price(new)
    failures.notify(f"Booked {formats.count(booked.calls, 'call')}: {formats.money(booked.cost_usd)}.")


def _price(price: OwnPrice) -> None:
    with st.container(border=True, key=f"own-{price.id}"), st.container(horizontal=True, vertical_alignment="center"):
        tier = f", {price.tier}" if price.tier else ""
        st.markdown(
            f"**{formats.plain(price.model)}**, {formats.plain(provider_rows.label(price.provider) + tier)}: "
            f"{_rates(price)}, from {price.valid_from:%b %-d, %Y}. {formats.plain(price.note)}",
            width="stretch",
        )
        if st.button("Remove", key=f"remove-{price.id}", help="Only as long as it has priced nothing"):
            failures.attempt(lambda: own_price_changes.remove(price.id))
            st.rerun()


def _rates(price: OwnPrice) -> Markdown:
    if price.rates is None:
        return f"as {formats.plain(price.as_model or '')}"
    shown = [f"${rate} {words.RATES[name].lower()}" for name, rate in price.rates.as_json().items()]
    return formats.plain(", ".join(shown) + " per million tokens")


@failures.dialog("Set a price")
def _dialog(one: Unpriced | None) -> None:
    form(one)


def form(one: Unpriced | None) -> None:
    """`one`: whose calls are booked with it; None: for calls to come."""
    names = [name for name in provider_rows.names() if name != "offline"]
    provider = one.provider if one else st.selectbox("Provider", names, 0, provider_rows.label)
    model = one.model if one else st.text_input("Model", help="A name, or a beginning and an asterisk: gpt-5*")
    if one:
        st.markdown(f"{formats.plain(model)}, {formats.plain(provider_rows.label(provider))}")
    tiers: tuple[Tier, ...] = get_args(Tier)
    tier: Tier | None = st.selectbox("Tier", tiers, None, placeholder="All tiers")
    st.caption("USD per million tokens; web searches per thousand. Empty: no rate of its own.")
    with st.grid(2):
        rates = {name: st.text_input(label, key=f"own-rate-{name}").strip() for name, label in words.RATES.items()}
    valid_from = st.date_input("Holds from", one.first.date() if one else formats.utc_now().astimezone(UTC).date())
    note = st.text_input("Note", help="Where the price comes from")
    if st.button("Set and book" if one else "Set", type="primary"):
        given = {name: rate.lstrip("$") for name, rate in rates.items() if rate}
        new = NewPrice(provider, model.strip(), valid_from, tier=tier, rates=given, note=note)
        act: Callable[[NewPrice], object] = _book if one else own_price_changes.add
        try:
            act(new)
        except CairnError as error:
            st.error(formats.plain(error.message))
        else:
            st.rerun()
