"""The health of every component over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from core.environment import get_settings
from core.health import report
from core.health.readings import PROVIDER
from core.health.report import PastRow
from core.runtime import db
from pages.common import charts, formats
from pages.common.charts import Chart, TimeSeries, lines, states
from pages.words import health

# How far back, and the length of one step.
PERIODS = {
    "24 h": (timedelta(hours=24), timedelta(minutes=10)),
    "7 d": (timedelta(days=7), timedelta(hours=1)),
    "30 d": (timedelta(days=30), timedelta(hours=4)),
}
MS, SHARE, GB = " ms", "%", " GB"
# A chart: title, unit, divisor of its figures, prefix of its components, and their figures with the names shown.
Drawn = tuple[str, str, float, str, dict[str, str]]
CHARTS: dict[str, tuple[Drawn, ...]] = {
    "Providers": (
        ("Half of the answers came within", MS, 1, PROVIDER, {"p50_ms": ""}),
        ("95 % of the answers came within", MS, 1, PROVIDER, {"p95_ms": ""}),
        ("Failed calls", SHARE, 0.01, PROVIDER, {"error_share": ""}),
        ("Rate limit left", SHARE, 0.01, PROVIDER, {"headroom": ""}),
    ),
    "Work": (
        ("Waiting", "", 1, "queue", {"documents": "documents", "requests": "requests", "in_flight": "in flight"}),
        ("Oldest item waits", " min", 60, "queue", {"oldest_s": ""}),
        ("Calls in flight", "", 1, "workers", {"busy": ""}),
        ("Answers that were there already", SHARE, 0.01, "reuse", {"share": ""}),
    ),
    "Machine": (
        ("Database round trip", MS, 1, "database", {"round_trip_ms": ""}),
        ("Space", GB, 1 << 30, "", {"bytes": "database", "free_bytes": "free on disk"}),
    ),
}


def show() -> None:
    st.header("Over time")
    period = st.segmented_control(
        "Period",
        list(PERIODS),
        default="24 h",
        required=True,
        key="past",
        bind="query-params",
        label_visibility="collapsed",
    )
    newest = db.read(report.newest_sample)
    past = drawn(period, newest, formats.zone().key) if newest else None
    if past is None:
        hours = "samples of two hours" if PERIODS[period][1] >= timedelta(hours=1) else "20 minutes of samples"
        every = formats.span(get_settings().health_sample_seconds)
        st.caption(f"A sample is taken every {every}. The charts appear once there are {hours}.")
        return
    charts.show(past.states, "past-states")
    # The open tab stands in the link, and only its charts are made.
    for tab, group in zip(st.tabs(list(CHARTS), key="charts", bind="query-params"), CHARTS, strict=True):
        if tab.open:
            with tab:
                _charts(past.groups[group])
    zone = formats.plain(formats.zone().key)
    st.caption(f"Times are those of {zone}. A gap: no samples were taken.")


def _charts(group: "Group") -> None:
    with st.grid(2, min_column_width=380):
        for one in group.charts:
            with st.container():
                charts.show(one, f"past-{one.title}")
    if group.nothing:
        st.caption(f"Not drawn, because it was 0 all the time: {formats.plain(', '.join(group.nothing))}.")
    if not group.charts and not group.nothing:
        st.caption("Nothing was measured in this time.")


@dataclass(frozen=True)
class Group:
    """`nothing`: titles of charts whose figures are all 0."""

    charts: tuple[Chart, ...]
    nothing: tuple[str, ...]


@dataclass(frozen=True)
class Past:
    """Its charts by the names of their tabs."""

    states: Chart
    groups: Mapping[str, Group]


@st.cache_resource(max_entries=30, show_spinner=False)
def drawn(period: str, newest: datetime, zone: str) -> Past | None:
    """The past up to the newest sample: nothing else changes it, and it is the same for everybody in this zone. None
    while there is too little to draw."""
    back, step = PERIODS[period]
    rows = report.past(newest.replace(minute=0, second=0, microsecond=0) - back, step)
    if len({row.time for row in rows}) < 2:
        return None
    # From the first sample on: a machine of yesterday has no month to show.
    start = min(row.time for row in rows)
    times = [start + number * step for number in range(int((newest - start) / step) + 1)]
    found = {(row.component, row.time): row for row in rows}
    components = sorted({row.component for row in rows}, key=_order)
    stripes = [TimeSeries(health.name(one), times, [_well(found.get((one, at))) for at in times]) for one in components]

    def group(many: Sequence[Drawn]) -> Group:
        shown, nothing = [], []
        for title, unit, divisor, of, figures in many:
            series = _lines(components, of, figures, divisor, times, found)
            if any(value for one in series for value in one.values):
                shown.append(lines(title, series, start, newest, unit))
            elif series:
                nothing.append(title.lower())
        return Group(tuple(shown), tuple(nothing))

    groups = {name: group(many) for name, many in CHARTS.items()}
    return Past(states("Well or not", stripes, start, newest), groups)


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
                name = " ".join(part for part in (who, label) if part) or charts.ALL
                drawn.append(TimeSeries(name, times, [None if value is None else value / divisor for value in values]))
    return drawn
