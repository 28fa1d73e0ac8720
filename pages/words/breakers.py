"""What a circuit breaker's state means, as sentences. Nothing is drawn here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.calls.breaker_report import BreakerChange, BreakerRow
from core.settings import provider_rows
from pages.common.formats import Markdown, ago, count, lasted, span, until

STATES = {"closed": "working", "open": "stopped", "half_open": "being tried"}


def name(provider: str, model: str) -> str:
    return f"{provider_rows.can(provider).short_label} {model}"


def meaning(one: BreakerRow, now: datetime) -> str:
    """Why nothing goes out, and until when."""
    since = f" {ago(one.opened_at, now)}" if one.opened_at else ""
    if one.state == "closed":
        return f"answers; {count(one.calls, 'call')} within a day"
    if one.by_hand:
        by = f" by {one.opened_by}" if one.opened_by else ""
        return f"stopped by hand{by}{since}; nothing is sent until someone resumes it"
    failed = f"did not answer {count(one.failures, 'time')} in a row" if one.failures else "did not answer"
    if one.state == "half_open":
        out = f" since {lasted(one.changed_at, now)}" if one.changed_at else ""
        return f"{failed}, stopped{since}; one call is trying it{out}, and decides"
    again = f"tried again {until(one.retry_at, now)}" if one.retry_at else "tried again later"
    return f"{failed}, stopped{since}; {again}"


def until_when(one: BreakerRow, now: datetime) -> str:
    """The same in few words, for a list."""
    if one.by_hand:
        return f"{one.model}: stopped by hand"
    if one.state == "half_open":
        return f"{one.model}: being tried"
    return f"{one.model}: again {until(one.retry_at, now)}" if one.retry_at else one.model


def behind(requests: int, jobs: int) -> Markdown:
    return f"{count(requests, 'live request')} of {count(jobs, 'job')}"


def change(one: BreakerChange, now: datetime) -> str:
    provider, _, model = one.subject.partition("/")
    what = "Stopped by hand" if one.action == "breaker.open" else "Resumed by hand"
    by = f" by {one.user}" if one.user else ""
    was = STATES.get(_state(one.before), "closed")
    return f"{what}{by}: {name(provider, model)}, which was {was} · {ago(one.time, now)}"


def _state(told: Mapping[str, Any] | None) -> str:
    return str((told or {}).get("state", "closed"))


def rule(fallback: Mapping[str, Any] | None) -> str:
    """What a job does by itself where its model does not answer."""
    if not fallback or fallback.get("used_at"):
        return ""
    where = "moves to the batch lane"
    if fallback["provider"]:
        where = f"goes on with {name(fallback['provider'], fallback['model'])}"
    return f"After {span(fallback['after_s'])} of waiting, the job {where} by itself."
