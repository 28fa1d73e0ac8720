"""What a job waits for, as sentences. Nothing is drawn here."""

from datetime import datetime

from core.calls import clients
from core.settings import provider_rows
from core.tables.jobs import WaitsFor
from pages.common.formats import until


def sentence(wait: WaitsFor, now: datetime) -> str:
    """For the job's page, without how many requests wait; "" of what its batch requests wait for."""
    if wait.kind == "not_set_up":
        reason = clients.not_set_up(wait.provider, unusable_key=wait.unusable_key)
        return f"The job waits. In the jobs process, {reason}"
    if wait.kind == "breaker":
        return f"Live requests are on hold: {_breaker(wait, now)}"
    if wait.kind == "budget":
        return _budget(wait)
    if wait.kind == "rate_limit":
        return f"Waits for the rate limit of {_name(wait)}{_goes_on(wait, now)}."
    return ""


def briefly(wait: WaitsFor, now: datetime) -> str:
    """For a list of jobs."""
    if wait.kind == "breaker":
        return _breaker(wait, now)
    if wait.kind == "provider_queue":
        again = f": again {until(wait.until, now)}" if wait.until else ""
        return f"{provider_rows.can(wait.provider).label_in_sentences}'s queue{again}"
    if wait.kind == "budget":
        return "a budget" if wait.missing_usd is None else f"a budget that lacks ${wait.missing_usd:,.2f}"
    if wait.kind == "own_caps":
        return f"room at {provider_rows.can(wait.provider).label_in_sentences}"
    if wait.kind == "not_set_up":
        return f"the key of {provider_rows.can(wait.provider).label_in_sentences}, which the jobs process cannot use"
    return f"the rate limit of {_name(wait)}{_goes_on(wait, now)}"


def _budget(wait: WaitsFor) -> str:
    if wait.missing_usd is None:
        return "This job has no known price, and a budget counts it. It goes on once it is approved or has a price."
    return (
        f"A budget lacks ${wait.missing_usd:,.2f} for this job. What is under way goes on and is kept. It goes on by "
        "itself once there is room: when the month ends, other jobs cost less, or somebody raises the limit."
    )


def _name(wait: WaitsFor) -> str:
    return f"{wait.provider}/{wait.model}"


def _goes_on(wait: WaitsFor, now: datetime) -> str:
    return f": goes on {until(wait.until, now)}" if wait.until else ""


def _breaker(wait: WaitsFor, now: datetime) -> str:
    if wait.by_hand:
        return f"{_name(wait)} was stopped by hand, until someone resumes it."
    if wait.probing:
        return f"{_name(wait)} did not answer; one call is trying it right now."
    again = until(wait.until, now) if wait.until else "later"
    return f"{_name(wait)} did not answer {wait.failures} times in a row; it is tried again {again}."
