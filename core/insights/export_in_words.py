"""The export of insights as a report in Markdown: for people who read rather than filter."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

from core.exports.markdown import inline
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
        line(f"\n## {number:,}. {inline(head.statement)}\n")
        line(_known(head))
        if head.original:
            line(f"\nReworded by a person. The model said: “{inline(head.original)}”")
        if head.question:
            line(f"\nAnswers “{inline(head.question)}”")
        line()
        quote = None
        for quote in quotes:
            line(_quote(quote))
        if quote is None:
            line("No quote supports it.")
    line(f"\n---\n\n{_count(number, 'insight')} in all.")


# Filters by their name; others are named as they are.
FILTERS: Mapping[str, str] = {
    "q": "found by “{}”",
    "min_support": "at least {} documents",
    "min_confidence": "confidence of at least {}",
    "since": "first seen since {}",
    "until": "first seen before {}",
    "chosen": "{} chosen by hand",
}
FLAGS: Mapping[tuple[str, Any], str] = {
    ("supported", True): "supported by a quote",
    ("supported", False): "supported by no quote",
    ("pinned", True): "pinned",
    ("pinned", False): "not pinned",
    ("quarantined", False): "not in quarantine",
    ("conflict", "open"): "in an open conflict",
    ("conflict", "any"): "in conflict with others",
    ("conflict", "none"): "in no conflict",
}


def _filters(said: Mapping[str, Any]) -> str:
    if not said:
        return "All insights."
    return f"Those that are: {'; '.join(_filter(name, value) for name, value in said.items())}."


def _filter(name: str, value: Any) -> str:
    if isinstance(value, str | bool) and (name, value) in FLAGS:
        return FLAGS[name, value]
    return FILTERS.get(name, f"{name.replace('_', ' ')} {{}}").format(inline(_listed(value)))


def _listed(value: Any) -> str:
    return " or ".join(value) if isinstance(value, tuple | list) else str(value)


def _known(head: Head) -> str:
    """What is known about it but its quotes."""
    support = f"Supported by {_count(head.support, 'independent document')}" if head.support else "**Not supported**"
    pieces = [support, f"confidence {head.confidence:.0%}", head.state]
    if head.conflicts:
        pieces.append(f"**in conflict with {_count(head.conflicts, 'other insight')}**")
    if head.tags:
        pieces.append(f"tags: {inline(', '.join(head.tags))}")
    return " · ".join([*pieces, f"first seen {head.first_seen:%Y-%m-%d}"])


def _quote(quote: Quote) -> str:
    page = f", page {quote.page:,}" if quote.page else ""
    mark = "" if quote.supported else f"**Not supported: {VERDICTS.get(quote.verdict, 'not found')}.** "
    said = f"“{inline(quote.quote)}”" if quote.quote else "no quote"
    wording = f" (for: {inline(quote.wording)})" if quote.wording else ""
    return f"- {mark}{said} — {inline(quote.document_name)}{page}{wording}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
