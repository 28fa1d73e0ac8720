"""The figures at the top: what was spent, saved and bought, against the equally long stretch before."""

from datetime import date
from decimal import Decimal

import streamlit as st

from core.money.forecast import LEAST_DAYS, Forecast
from core.money.sums import Sums
from pages.common import formats, widgets
from pages.common.formats import Markdown


def show(total: Sums, before: Sums, insights: int, period: Markdown, month: Forecast | None) -> None:
    """`insights`: first seen in that stretch. `month`: None for whoever does not see the costs of all."""
    with widgets.tiles():
        st.metric(
            "Spent",
            formats.money_of(total.cost_usd, total.unpriced),
            _change(total, before),
            delta_color="inverse",
            delta_description="vs before" if _change(total, before) else None,
            help=f"In USD, like all money here. The change is against the {period} before, up to the same time of day.",
            border=True,
            height="stretch",
        )
        if month is not None:
            _month(month)
        _tile("Saved by batches", formats.money(total.saved_by_batch_usd), "Against the same calls live.")
        _tile("Saved by reuse", formats.money(total.saved_usd), "What reused answers had cost when they were asked.")
        each = total.cost_usd / insights if insights else None
        _tile(
            "Per new insight",
            "–" if each is None else formats.money(each),
            f"{formats.count(insights, 'insight')} first seen in this time.",
        )
        widgets.figure("Calls", total.calls, f"{total.reused:,} reused, free" if total.reused else None)
        cached = f"{total.cached_input_tokens:,} cached" if total.cached_input_tokens else None
        widgets.figure("Input tokens", total.input_tokens, cached)
        reasoning = f"{total.reasoning_tokens:,} reasoning" if total.reasoning_tokens else None
        widgets.figure("Output tokens", total.output_tokens, reasoning)


def _month(month: Forecast) -> None:
    """Of the whole workspace, whatever the filters are."""
    name = f"Forecast for {date.fromisoformat(month.month + '-01'):%B}"
    held = f" Held for jobs under way: {formats.money(month.held_usd)}." if month.held_usd else ""
    if month.expected is None:
        _tile(
            name,
            "–",
            f"So far {formats.money(month.booked_usd)}.{held} A forecast needs {LEAST_DAYS} days of history, and there "
            f"are {month.days_of_history:,}.",
        )
        return
    low, high = formats.money(month.expected.p10), formats.money(month.expected.p90)
    st.metric(
        name,
        formats.money(month.expected.p50),
        f"{low} to {high}",
        delta_color="off",
        delta_arrow="off",
        help=f"So far {formats.money(month.booked_usd)}.{held} Days that are left cost what such weekdays did in the "
        "last 8 weeks. The range holds in 8 of 10 cases. Of the whole workspace, without filters.",
        border=True,
        height="stretch",
    )


def _tile(label: Markdown, value: Markdown, help_: Markdown) -> None:
    st.metric(label, value, help=help_, border=True, height="stretch")


def _change(total: Sums, before: Sums) -> Markdown | None:
    """None if nothing changed, or no call was made before."""
    more: Decimal = formats.rounded(total.cost_usd) - formats.rounded(before.cost_usd)
    return f"{'-' if more < 0 else ''}{formats.money(abs(more))}" if before.calls and more else None
