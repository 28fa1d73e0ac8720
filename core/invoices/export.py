"""The comparison as a file: a row for each day, model and lane."""

from datetime import date
from typing import BinaryIO

from core.access import audit
from core.exports.columns import Column, FormatName
from core.exports.write import write
from core.invoices import drift
from core.invoices.drift import Item
from core.runtime import db

TITLE = "Invoice check"
COLUMNS = (
    *(Column("day"), Column("model"), Column("lane"), Column("verdict")),
    *(Column("our_calls", "integer"), Column("our_tokens", "integer"), Column("their_tokens", "integer")),
    *(Column("our_cost_usd", "money"), Column("their_cost_usd", "money"), Column("their_list_usd", "money")),
    *(Column("drift_usd", "money"), Column("their_rates", "json")),
)


def export(file: BinaryIO, format_: FormatName, provider: str, start: date, stop: date) -> None:
    with db.transaction() as session:
        what = {"format": format_, "provider": provider, "start": start.isoformat(), "stop": stop.isoformat()}
        audit.write(session, "export", "invoices", after=what, of_machine=True)
    found = drift.read(provider, start, stop)
    write(file, format_, TITLE, COLUMNS, (_values(one) for one in found.items))


def _values(item: Item) -> list[object]:
    ours, theirs = item.ours or drift.Ours(), item.theirs or drift.Theirs()
    rates = {kind: f"{rate:f}" for kind, rate in item.rates.items()}
    return [
        *(item.day.isoformat(), item.model, item.lane, item.verdict),
        *(ours.calls, ours.tokens, theirs.tokens),
        *(ours.cost_usd, theirs.cost_usd, theirs.list_usd, item.drift_usd, rates or None),
    ]
