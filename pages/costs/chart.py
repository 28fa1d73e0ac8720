"""One chart of the stretch: spend, tokens or calls, stacked by what the page is by."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from core.money import stretches
from core.money.costs import Costs
from core.money.series import Series, Step
from core.money.stretches import Stretch
from core.money.sums import Dimension, Filters
from pages.common import charts
from pages.costs import choosing
from pages.words import costs as words


def metric() -> str:
    return str(
        st.segmented_control(
            "Show",
            list(words.METRICS),
            default="Spend",
            required=True,
            key="show",
            bind="query-params",
            label_visibility="collapsed",
        )
    )


def read(
    now: Costs, shown: str, by: Dimension, stretch: Stretch, filters: Filters, first: date | None
) -> tuple[Series, Step]:
    """Tokens are stacked by their kinds. `first`: the day that it begins with, by hours with the first in which
    something was called."""
    drawn = stretch if first is None else stretches.since(first, stretch, now.zone)
    step = choosing.step(drawn, now.zone)
    found, _ = words.METRICS[shown]
    series = now.series(found, "kind" if shown == "Tokens" else by, step, drawn, filters)
    return (_without_beginning(series) if step == "hour" and drawn != stretch else series), step


def _without_beginning(series: Series) -> Series:
    """From the first on in which there is something to draw."""
    some = [any(values) for values in zip(*(band.values for band in series.bands), strict=True)]
    first = some.index(True) if any(some) else 0
    bands = tuple(replace(band, values=band.values[first:]) for band in series.bands)
    return Series(series.starts[first:], bands)


def show(series: Series, shown: str, by: Dimension, step: Step, zone: ZoneInfo, names: Mapping[str, str]) -> str | None:
    """Draw it. Returns the key whose bar was clicked, "" for what has none; None: none was, or that of "others"."""
    if not any(any(band.values) for band in series.bands):
        nothing = "There is nothing to draw: what was called is free or has no known price."
        st.caption(nothing if shown == "Spend" else "There are none in this time.")
        return None
    keys: dict[str, str | None] = {}
    stacks = []
    for band in series.bands:
        label = _label(band.key, band.others, shown, by, names)
        keys[label] = None if band.others or shown == "Tokens" else band.key or ""
        stacks.append(charts.Stack(label, [float(value) for value in band.values], others=band.others))
    what = f"{shown} by {'kind' if shown == 'Tokens' else words.DIMENSIONS[by].lower()}"
    places = [_place(one, step, zone) for one in series.starts]
    chart = charts.stacked(what, places, stacks, words.METRICS[shown][1])
    clicked = charts.show(chart, f"costs-{shown}-{by}", clicks=True)
    return keys.get(clicked.name) if clicked else None


def _label(key: str | None, others: bool, shown: str, by: Dimension, names: Mapping[str, str]) -> str:
    if others:
        return words.OTHERS
    if shown == "Tokens":
        return words.KINDS[key or ""]
    return words.key(by, key, names.get(key or ""))


def _place(start: date | datetime, step: Step, zone: ZoneInfo) -> str:
    if isinstance(start, datetime):
        return f"{start.astimezone(zone):%b %-d, %H:%M}"
    return f"{start:%b %Y}" if step == "month" else f"{start:%b %-d, %Y}" if step == "week" else f"{start:%b %-d}"
