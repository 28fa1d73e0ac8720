"""Sums of usage records as they leave Cairn: the rows of a table, with the tokens that they are of."""

from collections.abc import Callable, Sequence
from typing import BinaryIO
from zoneinfo import ZoneInfo

from core.access import audit
from core.exports.columns import Column, FormatName
from core.exports.write import write
from core.money import by_workspace, costs
from core.money.costs import Row
from core.money.stretches import Stretch
from core.money.sums import By, Filters
from core.runtime import db

TITLE = "Costs"
COUNTS = (
    Column("calls", "integer"),
    Column("reused", "integer"),
    Column("unpriced", "integer"),
    Column("unheard", "integer"),
    Column("unusable", "integer"),
    Column("input_tokens", "integer"),
    Column("cached_input_tokens", "integer"),
    Column("cache_write_tokens", "integer"),
    Column("cache_write_long_tokens", "integer"),
    Column("output_tokens", "integer"),
    Column("reasoning_tokens", "integer"),
)
MONEY = (Column("cost_usd", "money"), Column("list_usd", "money"), Column("saved_usd", "money"))
# The stretch needs to know the reporting zone where it begins with a day of it.
Of = Callable[[ZoneInfo], Stretch]


def export(
    file: BinaryIO, format_: FormatName, by: Sequence[By], of: Of, filters: Filters, workspaces: Sequence[str]
) -> None:
    note(format_, {"by": list(by), **filters.given()})
    read = by_workspace.table(workspaces, by, of, filters)
    found, names = read.table.rows, dict(read.names)
    called = () if by[-1] not in costs.LABELS else (Column(f"{by[-1]}_name"),)
    columns = (*map(Column, by), *called, *COUNTS, *MONEY)
    write(file, format_, TITLE, columns, (_values(row, names if called else None) for row in found))


def note(format_: str, what: dict[str, object]) -> None:
    with db.transaction() as session:
        audit.write(session, "export", "costs", after={"format": format_, **what})


def _values(row: Row, names: dict[str, str] | None) -> list[object]:
    """The cost is empty, not 0, where no call could be priced."""
    called = [] if names is None else [names.get(row.keys[-1] or "")]
    money = row.sums.spent, row.sums.at_list_prices, row.sums.saved_usd
    return [*row.keys, *called, *(getattr(row.sums, column.name) for column in COUNTS), *money]
