"""Plotly figures as plain mappings: building one through plotly.express takes 40 ms.

Plotly reads a few tags in every text, links among them; names are foreign words, so here they are escaped.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

DAY_MS = 86_400_000


@dataclass(frozen=True)
class DaySeries:
    """Values by day ("2026-11-21"). `pale` marks the second kind of the same thing, such as output beside input."""

    name: str
    days: Sequence[str]
    values: Sequence[float]
    pale: bool = False


@dataclass(frozen=True)
class TimeSeries:
    """Values over time. None means not known, and leaves a gap."""

    name: str
    times: Sequence[datetime]
    values: Sequence[float | None]


def lines(many: Sequence[TimeSeries], start: datetime, stop: datetime, unit: str = "") -> dict[str, Any]:
    """A line chart over the time from `start` to `stop`."""
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": _name(one.name),
                "x": [time.isoformat() for time in one.times],
                "y": list(one.values),
                "connectgaps": False,
                "line": {"width": 1.5},
                "hovertemplate": f"%{{y:.4~g}}{unit}<extra>%{{fullData.name}}</extra>",
            }
            for one in many
        ],
        "layout": {
            "height": 190,
            "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
            "hovermode": "x unified",
            "showlegend": len(many) > 1,
            "legend": {"orientation": "h", "y": 1.2, "title": {"text": ""}},
            "xaxis": _time_axis(start, stop),
            "yaxis": {"rangemode": "tozero", "ticksuffix": unit, "nticks": 5},
        },
    }


def states(rows: Sequence[TimeSeries], start: datetime, stop: datetime) -> dict[str, Any]:
    """A stripe for each row, coloured by its values: 1 (all was well) is green, 0 is red, None is empty."""
    return {
        "data": [
            {
                "type": "heatmap",
                "x": [time.isoformat() for time in rows[0].times],
                "y": [_name(row.name) for row in rows],
                "z": [list(row.values) for row in rows],
                "zmin": 0,
                "zmax": 1,
                "colorscale": [[0, "#d92d20"], [0.98, "#f5b83d"], [1, "#2e9e5b"]],
                "showscale": False,
                "ygap": 4,
                "hoverongaps": False,
                "hovertemplate": "%{x|%b %-d, %H:%M}: %{z:.0%} well<extra>%{y}</extra>",
            }
        ],
        "layout": {
            "height": 40 + 24 * len(rows),
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "xaxis": _time_axis(start, stop),
            "yaxis": {"autorange": "reversed", "showgrid": False},
        },
    }


def _name(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False)


def _time_axis(start: datetime, stop: datetime) -> dict[str, Any]:
    return {"type": "date", "range": [start.isoformat(), stop.isoformat()], "nticks": 7, "showgrid": False}


def stacked_days(series: Sequence[DaySeries], start: datetime, stop: datetime, unit: str = "") -> dict[str, Any]:
    """Stacked bars, one for each day from `start` to `stop`, both included. A series without a value is left out."""
    highest = max((value for one in series for value in one.values), default=0)
    margin = timedelta(hours=14)
    return {
        "data": [
            {
                "type": "bar",
                "name": _name(one.name),
                "x": list(one.days),
                "y": list(one.values),
                # By default a bar is as wide as the shortest distance between two days: a single day would be a hair.
                "width": DAY_MS * 0.8,
                "marker": {"pattern": {"shape": "/"}} if one.pale else {},
            }
            for one in series
            if any(one.values)
        ],
        "layout": {
            "barmode": "stack",
            "height": 320,
            "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
            "hovermode": "x unified",
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.15, "title": {"text": ""}},
            "xaxis": {
                "type": "date",
                "tickformat": "%b %-d",
                "range": [(start - margin).isoformat(), (stop + margin).isoformat()],
            },
            "yaxis": {
                "rangemode": "tozero",
                "tickprefix": unit,
                "tickformat": ",.2f" if unit and highest >= 0.1 else "",
            },
        },
    }
