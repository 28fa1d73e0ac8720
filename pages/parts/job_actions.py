"""What can be done with a job now: the same on its own page and in the list."""

from core.jobs.report import JobRow
from core.tables.jobs import GOING, MOVABLE
from pages.words import jobs


def offered(row: JobRow) -> frozenset[str]:
    """The actions that make sense now."""
    deciding = jobs.waits_for_decision(row)
    ended = row.ended or row.state == "draft"
    possible = {
        "start": row.state == "draft" and row.total > 0,
        "release": deciding,
        "drop": deciding,
        "resume": row.state == "paused" and not deciding,
        "approve": jobs.waits_for_budget(row),
        "pause": row.state in GOING,
        "cancel": row.state in MOVABLE and not deciding,
        "again": row.state not in ("draft", "queued", "cancelling") and row.failed + row.cancelled > 0,
        "move": row.state in MOVABLE and row.pending > 0 and _can_move(row),
        "settle": row.settling > 0,
        "insights": row.succeeded > 0,
        "output": row.done > 0,
        "rename": True,
        "delete": ended,
    }
    return frozenset(name for name, is_so in possible.items() if is_so)


def _can_move(row: JobRow) -> bool:
    """A job with a canary can only go on with another model, and not while it is paused."""
    return not row.canary or (row.asks_documents and row.state != "paused")
