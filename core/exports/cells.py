"""Cells as text. In a sheet none computes, and none holds what a sheet cannot.

Text that a spreadsheet would read as a formula begins with `'`: also behind blanks, which some of them skip, and in
the wide forms that East Asian ones take. Numbers are no text and stay what they are.
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from core.exports.columns import Kind

_COMPUTES = re.compile(
    r"[\s\ufeff\u200b-\u200f\u2060]*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
    r"\N{FULLWIDTH COMMERCIAL AT}]|[\t\r\n]"
)
_PAGE_ENDS = re.compile(r"[\x0b\x0c]")
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# What XML has no place for, and what a terminal would obey.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def safe(text: str) -> str:
    """Text for a cell of a sheet. A page's end becomes a line's, other control characters a mark in their place."""
    if text[:1].isalnum() and not _ODD.search(text):
        return text  # nearly all are like this
    clean = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _PAGE_ENDS.sub("\n", text))
    return f"'{clean}" if _COMPUTES.match(clean) else clean


def flat(value: Any, kind: Kind) -> str:
    """A value as text: empty for None; times in ISO 8601 UTC, lists with `; ` between their items."""
    if value is None:
        return ""
    if kind == "json":
        return json(value).decode()
    if kind == "list":
        return "; ".join(str(item) for item in value)
    return _TEXTS.get(type(value), str)(value)


_TEXTS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    datetime: lambda value: f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    Decimal: lambda value: f"{value.normalize():f}",
    float: lambda value: repr(value) if math.isfinite(value) else "",
}


def is_text(value: Any, kind: Kind) -> bool:
    return kind in ("text", "list", "json") or isinstance(value, str)


def json(value: Any) -> bytes:
    """JSON as the API has it: money as a decimal string, times in UTC."""
    options = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, default=_plain, option=options)
    except TypeError:  # an integer beyond 64 bits
        return orjson.dumps(_without_large_integers(value), default=_plain, option=options)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    raise TypeError(f"a cell of type {type(value).__name__}")


def _without_large_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_large_integers(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_large_integers(item) for item in value]
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
