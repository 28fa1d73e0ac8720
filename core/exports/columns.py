"""Tables that leave Cairn: their typed columns, and the formats that they leave in."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

# `json`: any JSON value; where cells are flat it is its text. `money`: Decimal, USD. Any cell may be None.
Kind = Literal["text", "integer", "number", "money", "boolean", "time", "list", "json"]
FormatName = Literal["csv", "xlsx", "parquet", "json", "md"]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Format:
    """`label`: what people call it."""

    label: str
    media_type: str


FORMATS: dict[FormatName, Format] = {
    "csv": Format("CSV", "text/csv; charset=utf-8"),
    "xlsx": Format("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "parquet": Format("Parquet", "application/vnd.apache.parquet"),
    "json": Format("JSON", "application/json"),
    "md": Format("Markdown", "text/markdown; charset=utf-8"),
}


def file_name(title: str, format_: FormatName, now: datetime) -> str:
    """Such as insights-2026-11-29.csv: ASCII, whatever the title has."""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "cairn"
    return f"{name}-{now:%Y-%m-%d}.{format_}"
