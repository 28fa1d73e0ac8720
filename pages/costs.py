"""What was spent, on what: sums of usage records, and nothing else."""

from datetime import timedelta

import pandas as pd
import plotly.express as px
import streamlit as st

from core.reports import costs
from pages import widgets

st.title("Costs")
now = widgets.utc_now()

PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90}
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
start = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
total = costs.total(start, now)
before = costs.total(start - timedelta(days=days), start)

if not total.calls and not total.reused:
    widgets.empty(f"Nothing was called in the last {period}.", "analyse.py", "Analyse documents")
    st.stop()

with st.container(horizontal=True):
    more = total.cost_usd - before.cost_usd
    change = f"{'-' if more < 0 else ''}{widgets.money(abs(more))} against the {period} before" if more else None
    st.metric("Spent", widgets.money(total.cost_usd), change, delta_color="inverse", border=True, height="stretch")
    st.metric(
        "Calls",
        f"{total.calls:,}",
        f"{total.reused:,} reused for nothing",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    st.metric(
        "Input tokens",
        f"{total.input_tokens:,}",
        f"{total.cached_input_tokens:,} cached",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    st.metric("Output tokens", f"{total.output_tokens:,}", border=True, height="stretch")
if total.unpriced:
    st.warning(f"{total.unpriced:,} calls have no known price and are not in these sums.")
if total.unheard:
    st.warning(f"{total.unheard:,} calls were never answered; they are in the sums as estimates.")

daily = pd.DataFrame(
    [(d.day, d.model, float(d.cost_usd), d.input_tokens, d.output_tokens) for d in costs.by_day_and_model(start, now)],
    columns=["Day", "Model", "USD", "Input", "Output"],
)
spend, tokens = st.tabs(["Spend", "Tokens"])
with spend:
    chart = px.bar(daily, x="Day", y="USD", color="Model")
    chart.update_xaxes(type="date", range=[start - timedelta(hours=12), now + timedelta(hours=12)], title=None)
    chart.update_yaxes(tickprefix="$", rangemode="tozero", title=None)
    st.plotly_chart(chart)
with tokens:
    long = daily.melt(["Day", "Model"], ["Input", "Output"], "Kind", "Tokens")
    chart = px.bar(long, x="Day", y="Tokens", color="Model", pattern_shape="Kind")
    chart.update_xaxes(type="date", range=[start - timedelta(hours=12), now + timedelta(hours=12)], title=None)
    chart.update_yaxes(rangemode="tozero", title=None)
    st.plotly_chart(chart)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("By model")
    rows = [
        (s.key, s.calls, s.input_tokens, s.output_tokens, float(s.cost_usd)) for s in costs.sums("model", start, now)
    ]
    table = pd.DataFrame(rows, columns=["Model", "Calls", "Input", "Output", "USD"])
    st.dataframe(table, hide_index=True, column_config={"USD": st.column_config.NumberColumn(format="$%.6f")})
with right:
    st.subheader("Dearest jobs")
    dearest = costs.dearest_jobs(start, now)
    table = pd.DataFrame([(j.name, j.calls, float(j.cost_usd)) for j in dearest], columns=["Job", "Calls", "USD"])
    event = st.dataframe(
        table,
        hide_index=True,
        column_config={"USD": st.column_config.NumberColumn(format="$%.6f")},
        on_select="rerun",
        selection_mode="single-row",
        key="dearest",
    )
    if selected := event["selection"]["rows"]:
        st.switch_page("job.py", query_params={"id": dearest[selected[0]].job_id})
st.caption("Days are UTC. Prices come from the genai-prices snapshot that was applied to each call and stored with it.")
