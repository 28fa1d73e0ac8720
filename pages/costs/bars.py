"""Stacked bars over time, as a Plotly figure."""

import html
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Each is told apart from the white and from the dark background by 3:1 or more.
COLOURS = (
    *("#3b82f6", "#d9730d", "#17936b", "#a855f7", "#d6336c", "#0c8ea6"),
    *("#a16207", "#6366f1", "#5f8f1f", "#be4bdb", "#e0503f"),
)
OTHERS = "#8a8f98"


@dataclass(frozen=True)
class Bars:
    """One value for each start of the chart."""

    name: str
    values: Sequence[float]
    others: bool = False


_given: dict[str, int] = {}


def colour(name: str) -> str:
    """Of a name the same on every chart: by its hash, or the next one that is free where another name has that."""
    if name not in _given:
        first = zlib.crc32(name.encode()) % len(COLOURS)
        places = [(first + step) % len(COLOURS) for step in range(len(COLOURS))]
        _given[name] = min(places, key=[*_given.values()].count)
    return COLOURS[_given[name]]


def stacked(starts: Sequence[str], bars: Sequence[Bars], unit: str) -> dict[str, Any]:
    """`starts`: days or times in ISO 8601. The first of the bars lies at the bottom."""
    highest = max((sum(values) for values in zip(*(one.values for one in bars), strict=True)), default=0)
    # A day that stands alone is as wide as one of a week.
    category = len(starts) <= 31
    return {
        "data": [
            {
                "type": "bar",
                "name": html.escape(" ".join(one.name.split()), quote=False),
                "x": list(starts),
                "y": list(one.values),
                "marker": {"color": OTHERS if one.others else colour(one.name)},
                "hovertemplate": f"%{{fullData.name}}: {'$' if unit else ''}%{{y:,.4~g}}<extra></extra>",
            }
            for one in bars
            if any(one.values)
        ],
        "layout": {
            "barmode": "stack",
            "bargap": 0.25,
            "height": 320,
            "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
            "hovermode": "closest",
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.15, "title": {"text": ""}},
            "xaxis": {"type": "category", "nticks": 12, "tickangle": 0} if category else {"type": "date"},
            "yaxis": {
                "rangemode": "tozero",
                "tickprefix": unit,
                "tickformat": ",.2f" if unit and highest >= 0.1 else "",
            },
        },
    }
