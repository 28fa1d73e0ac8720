"""The `waits_for` of a job: its facts and a message with the names of the API and times in UTC."""

from datetime import datetime
from typing import Any

from core.calls import clients
from core.tables.jobs import WaitsFor


def waits_for_out(wait: WaitsFor | None) -> dict[str, Any] | None:
    if wait is None:
        return None
    return {
        "kind": wait.kind,
        "provider": wait.provider,
        "model": wait.model,
        "until": wait.until,
        "message": message(wait),
    }


def message(wait: WaitsFor) -> str:
    if wait.kind == "not_set_up":
        reason = clients.not_set_up(wait.provider, unusable_key=wait.unusable_key)
        return f"The job waits. In the jobs process, {reason}"
    if wait.kind == "breaker":
        return f"Live requests are on hold: {_breaker(wait)}"
    if wait.kind == "rate_limit":
        return f"Waits for the rate limit of {wait.provider}/{wait.model}: goes on at {_time(wait.until)}."
    if wait.kind == "provider_queue":
        return f"{wait.provider}'s queue is full. What is left goes out again at {_time(wait.until)}."
    if wait.kind == "budget":
        lacks = "a price for this job" if wait.missing_usd is None else f"${wait.missing_usd:,.4f} for this job"
        return f"Paused: a budget lacks {lacks}. It goes on once there is room, or once it is approved."
    return f"Waiting until there is room at {wait.provider} under Cairn's own limits for batches."


def _breaker(wait: WaitsFor) -> str:
    name = f"{wait.provider}/{wait.model}"
    if wait.by_hand:
        return f"{name} was stopped by hand, until someone resumes it."
    if wait.probing:
        return f"{name} did not answer; one call is trying it right now."
    return f"{name} did not answer {wait.failures} times in a row; it is tried again at {_time(wait.until)}."


def _time(moment: datetime | None) -> str:
    return f"{moment:%H:%M:%S} UTC" if moment else "a later time"
