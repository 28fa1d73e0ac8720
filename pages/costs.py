"""What was spent on which models and jobs: only sums of usage records."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from core.money import costs
from core.money.costs import Row
from core.money.stretches import Stretch
from core.settings import provider_rows
from pages.common import charts, formats, widgets
from pages.common.charts import DaySeries, stacked_days
from pages.parts import exporting

st.title("Costs")
PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90}
USD = st.column_config.NumberColumn(format="$%.4f", help="– has no known price")
NUMBER = st.column_config.NumberColumn(format="localized")

period = st.segmented_control(
    "Period",
    list(PERIODS),
    default="30 days",
    required=True,
    key="period",
    bind="query-params",
    label_visibility="collapsed",
)
days = PERIODS[period]
now = formats.utc_now()
today = now.replace(hour=0, minute=0, second=0, microsecond=0)
start = today - timedelta(days=days - 1)
with costs.reading() as read:
    found = read.table(["day", "provider", "model"], Stretch(start, now))
    before = read.total(Stretch(start - timedelta(days=days), start))
    dearest = read.table(["job"], Stretch(start, now), limit=11).rows
    names = read.labels("job", [row.keys[0] for row in dearest])
total = found.total

if not total.calls and not total.reused:
    widgets.empty(
        f"No model was called in the last {formats.plain(period)}.", "analyse/analyse.py", "Analyse documents"
    )
    st.stop()


def change() -> formats.Markdown | None:
    """The change in cost from the same number of days before; None if there is none, or were no calls then."""
    more = total.cost_usd - before.cost_usd
    return f"{'-' if more < 0 else ''}{formats.money(abs(more))}" if before.calls and more else None


with widgets.tiles():
    st.metric(
        "Spent",
        formats.money_of(total.cost_usd, total.unpriced),
        change(),
        delta_color="inverse",
        delta_description="vs before" if change() else None,
        help=f"The change is against the {formats.plain(period)} before.",
        border=True,
        height="stretch",
    )
    widgets.figure("Calls", total.calls, f"{total.reused:,} reused, free" if total.reused else None)
    cached = f"{total.cached_input_tokens:,} cached" if total.cached_input_tokens else None
    widgets.figure("Input tokens", total.input_tokens, cached)
    widgets.figure("Output tokens", total.output_tokens)
if total.unpriced:
    st.warning(f"Without a known price, and not in these sums: {formats.count(total.unpriced, 'call')}.")
if total.unheard:
    st.warning(f"Never answered, and in the sums as an estimate: {formats.count(total.unheard, 'call')}.")


def in_all(rows: list[Row]) -> tuple[str, str, float | None, int, int, int]:
    """The sums of a provider's model, as a row. The cost is None, not 0, where no call has a known price."""
    cost = sum(float(row.sums.cost_usd) for row in rows)
    priced = cost or not any(row.sums.unpriced for row in rows)
    counts = ("calls", "input_tokens", "output_tokens")
    summed = [sum(getattr(row.sums, count) for row in rows) for count in counts]
    return (provider_rows.label(rows[0].keys[1] or ""), rows[0].keys[2] or "", cost if priced else None, *summed)


by_provider: dict[tuple[str, str], list[Row]] = {}
for row in sorted(found.rows, key=lambda row: [key or "" for key in row.keys[::-1]]):
    by_provider.setdefault((row.keys[2] or "", row.keys[1] or ""), []).append(row)
# A model is named with its provider where several have it.
shared = [model for model, _ in by_provider]
daily = {
    f"{model} · {provider_rows.label(provider)}" if shared.count(model) > 1 else model: rows
    for (model, provider), rows in by_provider.items()
}
spend, tokens = st.tabs(["Spend", "Tokens"], key="chart", on_change="rerun", bind="query-params")
if spend.open:
    with spend:
        if total.cost_usd:
            series = [
                DaySeries(m, [d.keys[0] or "" for d in rows], [float(d.sums.cost_usd) for d in rows])
                for m, rows in daily.items()
            ]
            charts.show(stacked_days("Spent by day and model", series, start, today, "$"), "spend")
        else:
            st.caption("Nothing was spent: what was called is free or has no known price.")
if tokens.open:
    with tokens:
        series = []
        for model, rows in daily.items():
            on = [d.keys[0] or "" for d in rows]
            series.append(DaySeries(f"{model}, input", on, [d.sums.input_tokens for d in rows], of=model))
            out = [d.sums.output_tokens for d in rows]
            series.append(DaySeries(f"{model}, output", on, out, pale=True, of=model))
        charts.show(stacked_days("Tokens by day and model", series, start, today), "tokens")

st.subheader("By model")
st.dataframe(
    pd.DataFrame(
        sorted((in_all(rows) for rows in daily.values()), key=lambda row: row[2] or 0, reverse=True),
        columns=["Provider", "Model", "USD", "Calls", "Input tokens", "Output tokens"],
    ),
    hide_index=True,
    placeholder="–",
    column_config={"USD": USD, "Calls": NUMBER, "Input tokens": NUMBER, "Output tokens": NUMBER},
)

if dearest := tuple(row for row in dearest if row.keys[0] and row.sums.cost_usd)[:10]:
    st.subheader("Most expensive jobs")
    event = st.dataframe(
        pd.DataFrame(
            [(names.get(j.keys[0] or "", "(deleted job)"), float(j.sums.cost_usd), j.sums.calls) for j in dearest],
            columns=["Job", "USD", "Calls"],
        ),
        hide_index=True,
        column_config={"USD": USD, "Calls": NUMBER},
        on_select="rerun",
        selection_mode="single-row",
        key="dearest",
    )
    if selected := event["selection"]["rows"]:
        widgets.go("job/job.py", id=dearest[selected[0]].keys[0] or "")
exporting.table(
    "costs",
    "usage/export",
    [("by", "model"), ("start", start.isoformat())],
    f"A row for each model of the last {formats.plain(period)}, with its calls, tokens and cost.",
)
st.caption(
    "Days are UTC. Prices come from the genai-prices snapshot, or were set for a provider; what was applied is stored "
    "with each call."
)
