"""What a retention rule would delete, when, and what it deleted, as sentences."""

from datetime import datetime

from core.retention.report import Preview, Run
from core.retention.rules import Kind
from pages.common import formats

LABELS = {
    "documents": "documents",
    "jobs": "jobs",
    "requests": "requests",
    "responses": "answers",
    "evidence": "pieces of evidence",
    "insights": "insights",
}


def found(kind: Kind, preview: Preview) -> formats.Markdown:
    if not preview.number or preview.oldest is None:
        return "**none**"
    if kind == "jobs":
        return f"**{formats.count(preview.number, 'job')}** with {formats.count(preview.requests, 'request')}"
    number, size = formats.count(preview.number, "document"), formats.size(preview.size_bytes)
    return f"**{number}**, {size}, the oldest of {formats.date(preview.oldest)}"


def moment(at: datetime, now: datetime) -> formats.Markdown:
    return f"at {formats.clock(at)}, {formats.until(at, now)}"


def removed(run: Run) -> formats.Markdown:
    counts = run.counts
    what = ", ".join(f"{counts[name]:,} {label}" for name, label in LABELS.items() if counts.get(name))
    size = f", {formats.size(counts['size_bytes'])}" if counts.get("size_bytes") else ""
    return f"{what}{size}: older than {formats.count(counts['days'], 'day')}"
