"""Jobs as they leave Cairn: those that a list with the same filters has, in its order, at one moment."""

from collections.abc import Sequence
from typing import BinaryIO

from core.access import audit
from core.exports.columns import Column, FormatName
from core.exports.write import write
from core.jobs import report
from core.jobs.report import JobRow
from core.runtime import db

TITLE = "Jobs"
OF_THE_ROW = (
    Column("id"),
    Column("name"),
    Column("description"),
    Column("template_name"),
    Column("template_version", "integer"),
    Column("params", "json"),
    Column("provider"),
    Column("model"),
    Column("lane"),
    Column("state"),
    Column("total", "integer"),
    Column("succeeded", "integer"),
    Column("failed", "integer"),
    Column("cancelled", "integer"),
    Column("reused", "integer"),
    Column("input_tokens", "integer"),
    Column("output_tokens", "integer"),
    Column("unpriced", "integer"),
    Column("estimate_usd", "money"),
    Column("created_at", "time"),
    Column("started_at", "time"),
    Column("finished_at", "time"),
    Column("error"),
)
COLUMNS = (*OF_THE_ROW, Column("cost_usd", "money"))


def export(file: BinaryIO, format_: FormatName, states: Sequence[str], lane: str | None, text: str | None) -> None:
    """Without `states`: in any. Also those that no page of the list reaches."""
    given = {"states": list(states), "lane": lane, "text": text}
    with db.transaction() as session:
        said = {name: value for name, value in given.items() if value}
        audit.write(session, "export", "jobs", after={"format": format_, **said})
    with db.transaction(reads="snapshot") as session:
        write(file, format_, TITLE, COLUMNS, map(_values, report.every(session, states, lane, text)))


def _values(row: JobRow) -> list[object]:
    """The cost is empty, not 0, where no call could be priced."""
    cost = None if row.unpriced and not row.cost_usd else row.cost_usd
    return [*(getattr(row, column.name) for column in OF_THE_ROW), cost]
