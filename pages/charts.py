"""Plotly figures as plain mappings: building them through plotly.express costs 40 ms a piece."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Series:
    """Values by day ("2026-11-21"). A pale one is the second kind of the same thing."""

    name: str
    days: Sequence[str]
    values: Sequence[float]
    pale: bool = False


def stacked_days(series: Sequence[Series], start: datetime, stop: datetime, unit: str = "") -> dict[str, Any]:
    """A stack for each day from `start` to `stop`, both of them included; what is never there is left out."""
    highest = max((value for one in series for value in one.values), default=0)
    margin = timedelta(hours=14)
    return {
        "data": [
            {
                "type": "bar",
                "name": one.name,
                "x": list(one.days),
                "y": list(one.values),
                # Without it, a bar is as wide as the least distance of two days that are there: one alone is a hair.
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
