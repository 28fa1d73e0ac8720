"""The export of insights as a report in Markdown: for people who read rather than filter."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

from core.exports.markdown import inert
from core.insights.export_report import Head, Quote

VERDICTS: Mapping[str | None, str] = {
    "differs": "the document says it in other words",
    "absent": "not found in the document",
    "short": "too short to be a quote",
    None: "not checked yet",
}


def write(
    file: BinaryIO, found: Iterator[tuple[Head, Iterator[Quote]]], said: Mapping[str, Any], now: datetime
) -> None:
    def line(text: str = "") -> None:
        file.write(f"{text}\n".encode())

    line("# Insights\n")
    line(f"As of {now:%Y-%m-%d %H:%M} UTC. {_filters(said)}")
    number = 0
    for number, (head, quotes) in enumerate(found, 1):
        line(f"\n## {number:,}\\. {inert(head.statement)}\n")
        line(_known(head))
        if head.original:
            line(f"\nReworded by a person. The model said: “{inert(head.original)}”")
        if head.question:
            line(f"\nAnswers “{inert(head.question)}”")
        line()
        quote = None
        for quote in quotes:
            line(_quote(quote))
        if quote is None:
            line("No quote supports it.")
    line(f"\n---\n\n{_count(number, 'insight')} in all.")


def _filters(said: Mapping[str, Any]) -> str:
    if not said:
        return "All insights."
    named = (f"{name.replace('_', ' ')} {inert(_listed(value))}" for name, value in said.items())
    return f"Chosen by {', '.join(named)}."


def _listed(value: Any) -> str:
    return " or ".join(value) if isinstance(value, tuple | list) else str(value)


def _known(head: Head) -> str:
    """What is known about it but its quotes."""
    support = f"Supported by {_count(head.support, 'independent document')}" if head.support else "**Not supported**"
    pieces = [support, f"confidence {head.confidence:.0%}", head.state]
    if head.conflicts:
        pieces.append(f"**in conflict with {_count(head.conflicts, 'other insight')}**")
    if head.tags:
        pieces.append(f"tags: {inert(', '.join(head.tags))}")
    return " · ".join([*pieces, f"first seen {head.first_seen:%Y-%m-%d}"])


def _quote(quote: Quote) -> str:
    page = f", page {quote.page:,}" if quote.page else ""
    mark = "" if quote.supported else f"**Not supported: {VERDICTS.get(quote.verdict, 'not found')}.** "
    said = f"“{inert(quote.quote)}”" if quote.quote else "no quote"
    wording = f" (for: {inert(quote.wording)})" if quote.wording else ""
    return f"- {mark}{said} — {inert(quote.document_name)}{page}{wording}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
