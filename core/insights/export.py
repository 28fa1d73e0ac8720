"""Insights as they leave Cairn: those that a list with the same filters has, with their quotes, in one snapshot."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, BinaryIO

from core.access import audit
from core.errors import InvalidInput
from core.exports.columns import Column, FormatName
from core.exports.write import write
from core.insights import export_in_words, export_report
from core.insights.export_report import Head, Quote, Wanted
from core.insights.report import Filters
from core.runtime import db

TITLE = "Insights"


def checked(wanted: Wanted) -> Wanted:
    """Raises InvalidInput where nothing could come of it."""
    if wanted.filters.quarantined:
        raise InvalidInput(
            "What is in quarantine is not exported: its quotes lie in passages that give instructions to a model. "
            "Confirm what you accept, and export that."
        )
    if wanted.unsupported:
        return wanted
    if wanted.filters.supported is False:
        raise InvalidInput("No quote supports these insights. Add unsupported=true to export them, marked as such.")
    return replace(wanted, filters=replace(wanted.filters, supported=True))


def export(file: BinaryIO, format_: FormatName, wanted: Wanted, now: datetime) -> None:
    """Write them into `file`, newest first: a row for each quote, in JSON and Markdown for each insight."""
    wanted = checked(wanted)
    said = {"format": format_, "unsupported": wanted.unsupported, **_said(wanted)}
    with db.transaction() as session:
        audit.write(session, "export", "insights", after=said)
    which = export_report.condition(wanted)
    with db.transaction(reads="snapshot") as session:
        found = export_report.find(session, wanted, which)
        if format_ == "json":
            write(file, format_, TITLE, OF_INSIGHTS, (_nested(head, quotes) for head, quotes in found))
        elif format_ == "md":
            export_in_words.write(file, found, _said(wanted), now)
        else:
            write(file, format_, TITLE, OF_QUOTES, _flat(found))


def _said(wanted: Wanted) -> dict[str, Any]:
    """What was asked for, for people."""
    given = {field.name: getattr(wanted.filters, field.name) for field in fields(Filters)}
    said = {name: str(value) if isinstance(value, datetime) else value for name, value in given.items()}
    chosen = {} if wanted.ids is None else {"chosen": len(wanted.ids)}
    return {name: value for name, value in said.items() if value not in (None, "", ())} | chosen


_OF_A_HEAD = (
    Column("id"),
    Column("statement"),
    Column("original"),
    Column("state"),
    Column("tags", "list"),
    Column("pinned", "boolean"),
    Column("support", "integer"),
    Column("documents", "integer"),
    Column("confidence", "number"),
    Column("conflicts", "integer"),
    Column("question"),
    Column("language"),
    Column("first_seen", "time"),
    Column("link"),
)
_OF_A_QUOTE = (
    Column("document"),
    Column("document_name"),
    Column("collection"),
    Column("quote"),
    Column("verdict"),
    Column("supported", "boolean"),
    Column("page", "integer"),
    Column("start", "integer"),
    Column("end", "integer"),
    Column("wording"),
    Column("template"),
    Column("job"),
)
OF_QUOTES = (*_OF_A_HEAD, *_OF_A_QUOTE, Column("evidence"))
OF_INSIGHTS = (*_OF_A_HEAD, Column("reason"), Column("evidence", "json"))


def _flat(found: Iterator[tuple[Head, Iterator[Quote]]]) -> Iterator[list[Any]]:
    """An insight without a quote that may be shown has one row, too: else an export would lack it."""
    for head, quotes in found:
        of_head = [getattr(head, column.name) for column in _OF_A_HEAD]
        quote = None
        for quote in quotes:
            yield [*of_head, *(getattr(quote, column.name) for column in _OF_A_QUOTE), str(quote.id)]
        if quote is None:
            yield [*of_head, *(None for _ in _OF_A_QUOTE), None]


def _nested(head: Head, quotes: Iterator[Quote]) -> list[Any]:
    of_head = [getattr(head, column.name) for column in _OF_A_HEAD]
    evidence = [{"id": str(q.id), **{column.name: getattr(q, column.name) for column in _OF_A_QUOTE}} for q in quotes]
    return [*of_head, head.reason, evidence]
