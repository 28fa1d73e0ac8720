"""One chart of the stretch: spend, tokens or calls, stacked by what the page is by."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import streamlit as st

from core.money.costs import Costs
from core.money.series import Series, Step
from core.money.stretches import Stretch
from core.money.sums import Dimension, Filters
from pages.costs import bars
from pages.words import costs as words

BY_KIND = "Kind of token"


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


def read(now: Costs, shown: str, by: Dimension, step: Step, stretch: Stretch, filters: Filters) -> Series:
    """Tokens are stacked by their kinds."""
    found, _ = words.METRICS[shown]
    return now.series(found, "kind" if shown == "Tokens" else by, step, stretch, filters)


def show(series: Series, shown: str, by: Dimension, names: Mapping[str, str]) -> str | None:
    """Draw it. Returns the key whose bar was clicked, "" for what has none; None: none was, or that of "others"."""
    if not any(any(band.values) for band in series.bands):
        st.caption("Nothing was spent: what was called is free or has no known price." if shown == "Spend" else "None.")
        return None
    labels: dict[str, str | None] = {}
    stacks = []
    for band in series.bands:
        label = _label(band.key, band.others, shown, by, names)
        labels[label] = None if band.others or shown == "Tokens" else band.key or ""
        stacks.append(bars.Bars(label, [float(value) for value in band.values], others=band.others))
    figure = bars.stacked([_at(one) for one in series.starts], stacks, words.METRICS[shown][1])
    event: Any = st.plotly_chart(
        figure,
        key=f"costs-{shown}-{by}",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"{shown} over time, stacked by {BY_KIND if shown == 'Tokens' else words.DIMENSIONS[by]}",
    )
    points = event["selection"]["points"]
    return labels.get(figure["data"][points[0]["curve_number"]]["name"]) if points else None


def _label(key: str | None, others: bool, shown: str, by: Dimension, names: Mapping[str, str]) -> str:
    if others:
        return words.OTHERS
    if shown == "Tokens":
        return words.KINDS[key or ""]
    return words.key(by, key, names.get(key or ""))


def _at(start: date | datetime) -> str:
    return start.isoformat()
