"""Sums of usage records as they leave Cairn: those of a list by the same key, with the tokens that they are of."""

from datetime import datetime
from typing import BinaryIO

from core.access import audit
from core.exports.columns import Column, FormatName
from core.exports.write import write
from core.money import costs
from core.money.costs import By, UsageSum
from core.runtime import db

TITLE = "Costs"
OF_TOKENS = (
    Column("calls", "integer"),
    Column("reused", "integer"),
    Column("unpriced", "integer"),
    Column("input_tokens", "integer"),
    Column("cached_input_tokens", "integer"),
    Column("output_tokens", "integer"),
)


def export(file: BinaryIO, format_: FormatName, by: By, start: datetime | None, stop: datetime | None) -> None:
    """From `start` to before `stop`."""
    with db.transaction() as session:
        period = {"since": start and start.isoformat(), "until": stop and stop.isoformat()}
        audit.write(session, "export", "costs", after={"format": format_, "by": by, **period})
    columns = (Column(by), *OF_TOKENS, Column("cost_usd", "money"))
    write(file, format_, TITLE, columns, map(_values, costs.sums(by, start, stop)))


def _values(row: UsageSum) -> list[object]:
    """The cost is empty, not 0, where no call could be priced."""
    cost = None if row.unpriced and not row.cost_usd else row.cost_usd
    return [row.key, *(getattr(row, column.name) for column in OF_TOKENS), cost]
