"""What a provider batch's state means, as sentences. Nothing is drawn here."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.environment import get_settings
from core.jobs.batches_report import ProviderBatchRow
from core.settings import provider_rows
from pages.common.formats import count, lasted, until

# The providers' completion window: a batch that has not ended by then expires.
WINDOW = timedelta(hours=24)

STATES = {
    "preparing": "being handed over",
    "submitting": "being handed over",
    "settling": "being settled",
    "in_progress": "in progress",
    "ended": "fetching results",
    "completed": "completed",
    "expired": "expired",
    "cancelled": "cancelled",
    "failed": "refused",
    "absent": "never arrived",
}
ODD_KINDS = {
    "not_utf8": "bytes that are no text",
    "unreadable": "not a line of results",
    "unknown": "about a request that this batch does not hold",
    "duplicate": "about a request that was told of before",
}


def state(row: ProviderBatchRow) -> str:
    if row.state == "in_progress" and row.cancel_requested:
        return "being cancelled"
    if row.state == "in_progress" and row.provider_state not in (None, "in_progress"):
        return f"in progress: {row.provider_state}"
    return STATES.get(row.state, row.state)


def meaning(row: ProviderBatchRow, now: datetime) -> str:
    name = provider_rows.can(row.provider).label_in_sentences
    again = f" It is looked at again {until(row.next_at, now)}." if row.next_at and row.next_at > now else ""
    told = {
        "preparing": f"Its requests are being written and handed over to {name}.",
        "submitting": f"Its creation is on its way to {name}.",
        "settling": _settling(row, now),
        "in_progress": _in_progress(row, name, now),
        "ended": f"{name} is done with it; its results are being fetched.",
        "completed": f"{name} is done with it, and its results are kept.",
        "expired": f"{name} did not finish it within 24 hours. What had finished is kept and billed; the rest is not.",
        "cancelled": "It was cancelled. What had finished is kept and billed.",
        "failed": f"{name} refused it: nothing ran, and nothing is billed.",
        "absent": "It never arrived: nothing ran, and its requests went out again.",
    }[row.state]
    trouble = f" The last try failed, {row.tries:,} in a row so far." if row.tries and row.next_at else ""
    return f"{told}{trouble}{again}"


def _settling(row: ProviderBatchRow, now: datetime) -> str:
    seconds = get_settings().batch_settle_seconds
    told = row.error or "Its creation was sent, and no answer came: it may be there or not. It is looked for there."
    if row.absent_since is None:
        return told
    left = until(row.absent_since + timedelta(seconds=seconds), now)
    return f"{told} Not found so far; if it stays away it counts as never arrived {left}."


def _in_progress(row: ProviderBatchRow, name: str, now: datetime) -> str:
    if not provider_rows.can(row.provider).has_batch_window or row.submitted_at is None:
        return f"It is at {name}."
    expires = until(row.submitted_at + WINDOW, now)
    return f"Sent to {name} {lasted(row.submitted_at, now)} ago. Expires {expires} if unfinished."


def elapsed(row: ProviderBatchRow, now: datetime) -> str:
    begun = row.submitted_at or row.intent_at
    if begun is None:
        return ""
    return lasted(begun, row.ended_at) if row.ended_at else f"{lasted(begun, now)} so far"


def done(row: ProviderBatchRow) -> str:
    """How many of its requests have ended, where its provider reports it."""
    if row.counts is not None:
        return f"{row.requests:,} of {row.requests:,}"
    if row.state != "in_progress":
        return ""
    return "not told" if row.done is None else f"{row.done:,} of {row.requests:,}"


def outcome(counts: Mapping[str, Any] | None) -> str:
    """The outcomes of a batch's requests, counted."""
    if counts is None:
        return ""
    odd = sum(counts["odd"].values())
    parts = [
        f"{counts['answered']:,} answered",
        f"{counts['failed']:,} failed" if counts["failed"] else "",
        f"{counts['again']:,} sent again" if counts["again"] else "",
        f"{counts['cancelled']:,} cancelled" if counts["cancelled"] else "",
        f"{counts['missing']:,} without a line" if counts["missing"] else "",
        count(odd, "odd line") if odd else "",
    ]
    return ", ".join(part for part in parts if part)
