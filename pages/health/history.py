"""The health of every component over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from core.environment import get_settings
from core.health import report
from core.health.readings import PROVIDER
from core.health.report import PastRow
from pages.common import formats
from pages.common.charts import TimeSeries, lines, states
from pages.words import health

# How far back, and the length of one step.
PERIODS = {
    "24 h": (timedelta(hours=24), timedelta(minutes=10)),
    "7 d": (timedelta(days=7), timedelta(hours=1)),
    "30 d": (timedelta(days=30), timedelta(hours=4)),
}
MS, SHARE, GB = " ms", "%", " GB"
# A chart: title, unit, divisor of its figures, prefix of its components, and their figures with the names shown.
CHARTS: tuple[tuple[str, str, float, str, dict[str, str]], ...] = (
    ("Half of the answers came within", MS, 1, PROVIDER, {"p50_ms": ""}),
    ("95 % of the answers came within", MS, 1, PROVIDER, {"p95_ms": ""}),
    ("Failed calls", SHARE, 0.01, PROVIDER, {"error_share": ""}),
    ("Calls in flight", "", 1, "workers", {"busy": ""}),
    ("Waiting", "", 1, "queue", {"documents": "documents", "requests": "requests", "in_flight": "in flight"}),
    ("Oldest item waits", " min", 60, "queue", {"oldest_s": ""}),
    ("Rate limit left", SHARE, 0.01, PROVIDER, {"headroom": ""}),
    ("Answers that were there already", SHARE, 0.01, "reuse", {"share": ""}),
    ("Database round trip", MS, 1, "database", {"round_trip_ms": ""}),
    ("Space", GB, 1 << 30, "", {"bytes": "database", "free_bytes": "free on disk"}),
)


def show(moment: datetime) -> None:
    st.subheader("Over time")
    period = st.segmented_control(
        "Period",
        list(PERIODS),
        default="24 h",
        required=True,
        key="past",
        bind="query-params",
        label_visibility="collapsed",
    )
    back, step = PERIODS[period]
    start = moment.replace(minute=0, second=0, microsecond=0) - back
    rows = report.past(start, step)
    if len({row.time for row in rows}) < 2:
        hours = "samples of two hours" if step >= timedelta(hours=1) else "20 minutes of samples"
        every = formats.span(get_settings().health_sample_seconds)
        st.caption(f"A sample is taken every {every}. The charts appear once there are {hours}.")
        return
    times = [start + number * step for number in range(int((moment - start) / step) + 1)]
    found = {(row.component, row.time): row for row in rows}
    components = sorted({row.component for row in rows}, key=_order)
    stripes = [TimeSeries(health.name(one), times, [_well(found.get((one, at))) for at in times]) for one in components]
    st.plotly_chart(states(stripes, start, moment), config={"displayModeBar": False}, key="past-states")
    with st.grid(2, min_column_width=380):
        for title, unit, divisor, of, figures in CHARTS:
            if drawn := _lines(components, of, figures, divisor, times, found):
                with st.container():
                    st.markdown(f"**{title}**")
                    chart = lines(drawn, start, moment, unit)
                    st.plotly_chart(chart, config={"displayModeBar": False}, key=f"past-{title}")
    st.caption("Times are UTC. A gap: no samples were taken.")


def _order(component: str) -> tuple[int, str]:
    known = [*health.COMPONENTS]
    return (known.index(component) if component in known else 3, component)


def _well(row: PastRow | None) -> float | None:
    return None if row is None else row.healthy


def _lines(
    components: Sequence[str],
    of: str,
    figures: dict[str, str],
    divisor: float,
    times: Sequence[datetime],
    found: dict[tuple[str, datetime], PastRow],
) -> list[TimeSeries]:
    drawn = []
    for component in components:
        for figure, label in figures.items():
            rows = [found.get((component, at)) for at in times] if component.startswith(of) else []
            values = [row.figures.get(figure) if row else None for row in rows]
            if any(value is not None for value in values):
                who = health.name(component) if of == PROVIDER else ""
                name = " ".join(part for part in (who, label) if part) or "all"
                drawn.append(TimeSeries(name, times, [None if value is None else value / divisor for value in values]))
    return drawn
