"""Plotly figures as plain mappings: building one through plotly.express takes 40 ms, and to have plotly look through
what is in it takes several.

The figures of a chart go along as a table, which opens below it. Plotly reads a few tags in every text, links among
them; names are foreign words, so here they are escaped.
"""

import functools
import html
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import plotly.graph_objs as go
import streamlit as st
from plotly.basedatatypes import BaseFigure

from pages.common import formats

DAY_MS = 86_400_000
# Each is told apart from the white and from the dark background by 3:1 or more; none is red, which is for failures.
COLOURS = (
    *("#3b82f6", "#d9730d", "#17936b", "#a855f7", "#d6336c", "#0c8ea6"),
    *("#a16207", "#6366f1", "#5f8f1f", "#be4bdb"),
)
OTHERS = "#8a8f98"
WELL, PARTLY, BADLY = "#2e9e5b", "#d9730d", "#d92d20"
LEAST_DAYS = 7
FEW_DAYS = 8  # that have room for a tick each
TIME, DAY = "Time", "Day"
# The name of the one series of a chart whose title says it all.
ALL = "all"


@dataclass(frozen=True)
class DaySeries:
    """Values by day ("2026-11-21"). `of`: the name that gives it its colour, where that is not its own. `pale` marks
    the second kind of the same thing, such as output beside input; `others` what has no name."""

    name: str
    days: Sequence[str]
    values: Sequence[float]
    pale: bool = False
    of: str = ""
    others: bool = False


@dataclass(frozen=True)
class Stack:
    """A value for each place of a chart. `others`: what has no name of its own."""

    name: str
    values: Sequence[float]
    others: bool = False


@dataclass(frozen=True)
class TimeSeries:
    """Values over time. None means not known, and leaves a gap."""

    name: str
    times: Sequence[datetime]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """`title` is what it shows, also for whoever does not see it; `names` are its series, `table` their values."""

    title: str
    figure: Mapping[str, Any]
    names: Sequence[str]
    table: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Clicked:
    """A bar: its series by name, and its day."""

    name: str
    day: str


def show(chart: Chart, key: str, *, clicks: bool = False) -> Clicked | None:
    """Draw it, with its table below. With `clicks` a bar can be clicked: it is returned in the run that follows."""
    event: Any = st.plotly_chart(
        _Plain(chart.figure),
        config={"displayModeBar": False},
        key=key,
        alt=chart.title,
        on_select="rerun" if clicks else "ignore",  # type: ignore[call-overload]
        selection_mode="points",
    )
    if chart.table:
        figures = st.expander("Its figures", key=f"{key}-figures", on_change="rerun", type="compact")
        if figures.open:
            figures.dataframe(pd.DataFrame(dict(chart.table)), hide_index=True)
    points = event["selection"]["points"] if clicks else []
    return Clicked(chart.names[points[0]["curve_number"]], str(points[0]["x"])) if points else None


class _Plain(BaseFigure):  # type: ignore[misc]
    """A figure that is taken as it is. A test has plotly look through each kind instead."""

    def __init__(self, figure: Mapping[str, Any]):
        self._plain = {**figure, "layout": {**figure["layout"], "template": _template()}}

    def to_dict(self) -> dict[str, Any]:
        return self._plain


@functools.cache
def _template() -> Mapping[str, Any]:
    """Streamlit's, which the browser fills with the colours of the theme."""
    found: Mapping[str, Any] = go.Figure().to_dict()["layout"]["template"]
    return found


_given: dict[str, int] = {}


def colour(name: str) -> str:
    """Of a name always the same: by its hash, or the next one that is free where another name has that."""
    if name not in _given:
        first = zlib.crc32(name.encode()) % len(COLOURS)
        places = [(first + step) % len(COLOURS) for step in range(len(COLOURS))]
        _given[name] = min(places, key=[*_given.values()].count)
    return COLOURS[_given[name]]


def lines(title: str, many: Sequence[TimeSeries], start: datetime, stop: datetime, unit: str = "") -> Chart:
    """A line for each series over the time from `start` to `stop`, in the reader's zone."""
    names = _told_apart(one.name for one in many)
    data = [
        {
            "type": "scatter",
            # A point between two gaps has no line, and would not be there.
            "mode": "lines+markers" if _has_lonely_points(one.values) else "lines",
            "name": _escaped(name),
            "x": _local(one.times),
            "y": list(one.values),
            "connectgaps": False,
            "line": {"width": 1.5, "color": colour(one.name)},
            "marker": {"size": 4, "color": colour(one.name)},
            "hovertemplate": f"%{{y:.4~g}}{unit}<extra>%{{fullData.name}}</extra>",
        }
        for name, one in zip(names, many, strict=True)
    ]
    layout = _layout(title, 230, names)
    layout |= {
        "xaxis": _time_axis(start, stop),
        "yaxis": {"rangemode": "tozero", "ticksuffix": unit, "nticks": 5},
    }
    by_name = {name: one.values for name, one in zip(names, many, strict=True)}
    times = [formats.time(time) for time in many[0].times] if many else []
    return Chart(title, {"data": data, "layout": layout}, names, {TIME: times, **by_name})


def states(title: str, rows: Sequence[TimeSeries], start: datetime, stop: datetime) -> Chart:
    """A stripe for each row, coloured by its values: 1 (all was well) is green, 0 is red, None is empty."""
    names = _told_apart(row.name for row in rows)
    heat = {
        "type": "heatmap",
        "x": _local(rows[0].times),
        "y": [_escaped(name) for name in names],
        "z": [list(row.values) for row in rows],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, BADLY], [0.98, PARTLY], [1, WELL]],
        "showscale": False,
        "ygap": 4,
        "hoverongaps": False,
        "hovertemplate": "%{x|%b %-d, %H:%M}: %{z:.0%} well<extra>%{y}</extra>",
    }
    layout = _layout(title, 76 + 24 * len(rows), [])
    layout |= {
        "hovermode": "closest",
        "xaxis": _time_axis(start, stop),
        "yaxis": {"autorange": "reversed", "showgrid": False},
    }
    return Chart(title, {"data": [heat], "layout": layout}, names, {})


def stacked_days(
    title: str, series: Sequence[DaySeries], start: datetime, stop: datetime, unit: str = "", height: int = 340
) -> Chart:
    """Stacked bars, one for each day to `stop`: from the first one that has a value on, LEAST_DAYS at least, and none
    before `start`. A series without a value is left out."""
    drawn = [one for one in series if any(one.values)]
    names = _told_apart(one.name for one in drawn)
    days = _days(drawn, start.date(), stop.date())
    by_day = [dict(zip(one.days, one.values, strict=True)) for one in drawn]
    highest = max((value for one in drawn for value in one.values), default=0)
    cents = ",.2f" if highest >= 0.1 else ",.4~g"
    data = [
        {
            "type": "bar",
            "name": _escaped(name),
            "x": days,
            "y": [values.get(day, 0) for day in days],
            # By default a bar is as wide as the shortest distance between two days: a single day would be a hair.
            "width": DAY_MS * 0.8,
            "marker": {
                "color": OTHERS if one.others else colour(one.of or one.name),
                **({"opacity": 0.5, "pattern": {"shape": "/"}} if one.pale else {}),
            },
            "hovertemplate": f"{unit}%{{y:{cents if unit else ',.4~g'}}}<extra>%{{fullData.name}}</extra>",
        }
        for name, one, values in zip(names, drawn, by_day, strict=True)
    ]
    layout = _layout(title, height, names)
    layout |= {
        "barmode": "stack",
        "xaxis": {"type": "date", "tickformat": "%b %-d", **_ticks(len(days)), "range": _around(days)},
        "yaxis": {"rangemode": "tozero", "tickprefix": unit, "tickformat": ",.2f" if unit and highest >= 0.1 else ""},
    }
    table = {name: [values.get(day, 0) for day in days] for name, values in zip(names, by_day, strict=True)}
    return Chart(title, {"data": data, "layout": layout}, names, {DAY: days, **table})


def _ticks(days: int) -> dict[str, int]:
    """Of few days no more ticks than days, of many as many as there is room for."""
    return {"nticks": days} if days < FEW_DAYS else {}


def stacked(title: str, places: Sequence[str], stacks: Sequence[Stack], unit: str = "") -> Chart:
    """Stacked bars at these places, from left to right; the first of the stacks lies below. One without a value is left
    out."""
    drawn = [one for one in stacks if any(one.values)]
    names = _told_apart(one.name for one in drawn)
    highest = max((sum(at) for at in zip(*(one.values for one in drawn), strict=True)), default=0)
    cents = ",.2f" if highest >= 0.1 else ",.4~g"
    data = [
        {
            "type": "bar",
            "name": _escaped(name),
            "x": list(places),
            "y": list(one.values),
            "marker": {"color": OTHERS if one.others else colour(one.name)},
            "hovertemplate": f"{unit}%{{y:{cents if unit else ',.4~g'}}}<extra>%{{fullData.name}}</extra>",
        }
        for name, one in zip(names, drawn, strict=True)
    ]
    layout = _layout(title, 340, names)
    layout |= {
        "barmode": "stack",
        "bargap": 0.25,
        "xaxis": {"type": "category", "nticks": 14},
        "yaxis": {"rangemode": "tozero", "tickprefix": unit, "tickformat": ",.2f" if unit and highest >= 0.1 else ""},
    }
    return Chart(title, {"data": data, "layout": layout}, names, {DAY: list(places), **_table(names, drawn)})


def _table(names: Sequence[str], drawn: Sequence[Stack]) -> dict[str, list[float]]:
    return {name: list(one.values) for name, one in zip(names, drawn, strict=True)}


def _layout(title: str, height: int, names: Sequence[str]) -> dict[str, Any]:
    legend = bool(names) and [*names] != [ALL]
    return {
        "title": {"text": title, "font": {"size": 14}, "x": 0, "y": 1, "yanchor": "top", "pad": {"t": 4}},
        "height": height,
        "margin": {"l": 0, "r": 0, "t": 58 if legend else 34, "b": 0},
        "hovermode": "x unified",
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
    }


def _time_axis(start: datetime, stop: datetime) -> dict[str, Any]:
    return {"type": "date", "range": _local([start, stop]), "nticks": 7, "showgrid": False}


def _local(times: Sequence[datetime]) -> list[str]:
    """As Plotly takes them: it knows no zones."""
    zone = formats.zone()
    return [f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S}" for time in times]


def _around(days: Sequence[str]) -> list[str]:
    margin = timedelta(hours=14)
    ends = datetime.fromisoformat(days[0]) - margin, datetime.fromisoformat(days[-1]) + margin
    return [f"{end:%Y-%m-%d %H:%M}" for end in ends]


def _escaped(name: str) -> str:
    return html.escape(name, quote=False)


def _told_apart(names: Iterable[str]) -> list[str]:
    """In one line, and no two the same: columns of a table."""
    found: list[str] = []
    for name in names:
        flat = " ".join(name.split()) or "–"
        found.append(flat if flat not in (*found, TIME, DAY) else f"{flat} ({len(found) + 1})")
    return found


def _has_lonely_points(values: Sequence[float | None]) -> bool:
    around = [None, *values, None]
    return any(
        here is not None and before is None and after is None
        for before, here, after in zip(around, around[1:], around[2:], strict=False)
    )


def _days(series: Sequence[DaySeries], start: date, stop: date) -> list[str]:
    with_a_value = [day for one in series for day, value in zip(one.days, one.values, strict=True) if value]
    begun = min([date.fromisoformat(day) for day in with_a_value], default=start)
    first = max(start, min(begun, stop - timedelta(days=LEAST_DAYS - 1)))
    return [(first + timedelta(days=ahead)).isoformat() for ahead in range((stop - first).days + 1)]
