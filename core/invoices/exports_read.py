"""Exports of the providers' billing pages, read into the lines that their reports have. Pure.

Which it is, the columns decide, in whatever order they stand: OpenAI's costs (amount_value, line_item) and usage
(num_model_requests), Anthropic's cost (cost_usd, token_type) and usage (usage_output_tokens), all with days in UTC.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from core.invoices import naming
from core.providers import billing, openai_billing
from core.providers.billing import Kind, Lane, Line, Source

MOST_ROWS = 500_000
KINDS = (
    "OpenAI's export of costs (start_time, amount_value, line_item) or usage (start_time, model, input_tokens), or the "
    "Console's export of cost (usage_date_utc, model, token_type, cost_usd) or usage (usage_date_utc, model_version, …)"
)
Row = Mapping[str, str]


@dataclass(frozen=True)
class Export:
    """`days`: those that it has a row of."""

    provider: str
    source: Source
    days: frozenset[date]
    lines: tuple[Line, ...]


def read(content: bytes) -> Export:
    """Raises InvalidInput, which names the row."""
    rows = list(_rows(content))
    if not rows:
        raise InvalidInput("The file has no rows. Export a month that has some.")
    provider, source, lines_of = _form({*rows[0]})
    days: set[date] = set()
    lines: list[Line] = []
    for number, row in enumerate(rows, 2):
        try:
            day = _day(row)
            lines += lines_of(day, row)
        except ValueError as error:
            raise InvalidInput(f"Row {number} cannot be read: {error} Nothing of the file was taken.") from None
        days.add(day)
    return Export(provider, source, frozenset(days), tuple(lines))


def _rows(content: bytes) -> Iterator[Row]:
    """By column, whose names are in small letters."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"This is no CSV file in UTF-8. Upload {KINDS}.") from None
    first = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    names: list[str] = []
    try:
        for number, cells in enumerate(lines):
            if number > MOST_ROWS:
                raise InvalidInput(f"The file has more than {MOST_ROWS:,} rows. Export a shorter time.")
            if not names:
                names = [cell.strip().lower() for cell in cells]
            elif any(cell.strip() for cell in cells):
                yield dict(zip(names, (cell.strip() for cell in cells), strict=False))
    except csv.Error:
        raise InvalidInput(f"This is no CSV file. Upload {KINDS}.") from None


Lines = Callable[[date, Row], Iterator[Line]]


def _form(names: set[str]) -> tuple[str, Source, Lines]:
    dated = bool({"start_time", "start_time_iso", "usage_date_utc", "date"} & names)
    if dated and {"amount_value", "line_item"} <= names:
        return "openai", "cost", _openai_cost
    if dated and {"num_model_requests", "model", "input_tokens"} <= names:
        return "openai", "usage", _openai_usage
    if dated and {"cost_usd", "token_type", "model"} <= names:
        return "anthropic", "cost", _anthropic_cost
    if dated and {"usage_output_tokens", "usage_input_tokens_no_cache"} <= names and names & {"model_version", "model"}:
        return "anthropic", "usage", _anthropic_usage
    has = ", ".join(sorted(name for name in names if name)[:20])[:300]
    raise InvalidInput(f"This is no export that is known. It has the columns {has}. Upload {KINDS}.")


def _day(row: Row) -> date:
    for name in ("usage_date_utc", "date", "start_time_iso", "start_time"):
        if found := row.get(name):
            break
    else:
        raise ValueError("it has no day.")
    try:
        if found.isdigit():
            return datetime.fromtimestamp(int(found), UTC).date()
        moment = datetime.fromisoformat(found)
        # Without an offset it is UTC, as both export it.
        return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
    except (ValueError, OverflowError, OSError):
        raise ValueError("its day is none.") from None


def _amount(row: Row, name: str) -> Decimal:
    found = billing.decimal(row.get(name) or "0")
    if found is None:
        raise ValueError(f"its {name} is no amount.")
    return found


def _tokens(row: Row, name: str) -> int:
    found = billing.whole(row.get(name) or "0")
    if found is None:
        raise ValueError(f"its {name} is no number of tokens.")
    return found


def _openai_cost(day: date, row: Row) -> Iterator[Line]:
    """A day without costs is a row without an amount."""
    if not row.get("amount_value"):
        return
    if (row.get("amount_currency") or "usd").lower() != "usd":
        raise ValueError("it is not in USD.")
    usd = _amount(row, "amount_value")
    yield openai_billing.of_item(day, row.get("line_item"), usd, row.get("quantity") or None, row.get("quantity_unit"))


def _openai_usage(day: date, row: Row) -> Iterator[Line]:
    lane: Lane | None = {"true": "batch", "false": "live"}.get(row.get("batch", "").lower())  # type: ignore[assignment]
    cached, written = _tokens(row, "input_cached_tokens"), _tokens(row, "input_cache_write_tokens")
    uncached = _tokens(row, "input_tokens") - cached - written
    if uncached < 0:
        raise ValueError("it has more cached tokens than input.")
    counts: dict[Kind, int] = {"input": uncached, "cached": cached, "cache_write": written}
    yield from _lines(day, row.get("model"), lane, {**counts, "output": _tokens(row, "output_tokens")})


def _anthropic_cost(day: date, row: Row) -> Iterator[Line]:
    """USD here, where the API has cents."""
    model = naming.plain(billing.name(row.get("model"))) or billing.name(row.get("cost_type"))
    listed = _amount(row, "list_price_usd") if row.get("list_price_usd") else None
    kind = billing.kind_of(row.get("token_type", ""))
    yield Line(day, model, _lane(row), kind, None, _amount(row, "cost_usd"), listed)


def _anthropic_usage(day: date, row: Row) -> Iterator[Line]:
    counts: dict[Kind, int] = {
        "input": _tokens(row, "usage_input_tokens_no_cache"),
        "cached": _tokens(row, "usage_input_tokens_cache_read"),
        "cache_write": _tokens(row, "usage_input_tokens_cache_write_5m"),
        "cache_write_long": _tokens(row, "usage_input_tokens_cache_write_1h"),
        "output": _tokens(row, "usage_output_tokens"),
    }
    yield from _lines(day, naming.plain(row.get("model_version") or row.get("model") or ""), _lane(row), counts)


def _lane(row: Row) -> Lane | None:
    told = (row.get("usage_type") or "").lower()
    return None if not told else "batch" if "batch" in told else "live"


def _lines(day: date, model: Any, lane: Lane | None, counts: Mapping[Kind, int]) -> Iterator[Line]:
    yield from (Line(day, billing.name(model), lane, kind, tokens) for kind, tokens in counts.items() if tokens)
