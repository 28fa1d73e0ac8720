"""What a resilience configuration does, and where its figures come from, as sentences."""

from core import presets
from core.presets import Config
from pages.common import formats

NAMES = {
    "retry_attempts": "Retries after the first attempt",
    "circuit_breaker_threshold": "Failures in a row that open the breaker",
    "recovery_timeout_s": "Seconds until an open breaker lets one probe through",
    "strategy": "Strategy: how long is waited",
    "backoff_base_s": "First wait, seconds",
    "backoff_factor": "Each wait is longer by the factor",
    "backoff_cap_s": "Longest wait, seconds",
    "deadline_s": "No attempt begins later than, seconds",
}
SOURCES = {
    "default": "default",
    "environment": "environment",
    "all": "set here, for all operations",
    "operation": "set here, for this operation",
}


def seconds(amount: float) -> formats.Markdown:
    return f"{amount:.3g} s" if amount < 120 else f"{amount / 60:.3g} min"


def effects(config: Config) -> list[tuple[formats.Markdown, formats.Markdown]]:
    """What a configuration does: sentences with a gap, each with the figure that fills it."""
    failures = formats.count(config.circuit_breaker_threshold, "failure")
    return [
        ("a call that keeps failing gives up after {}", seconds(presets.gives_up_after(config))),
        ("{} after the first attempt", formats.count(config.retry_attempts, "retry", "retries")),
        ("waits between them: {}", f"{seconds(config.backoff_base_s)} to {seconds(config.backoff_cap_s)}"),
        ("no attempt begins after {}", seconds(config.deadline_s)),
        ("the breaker opens after {} in a row", failures),
        ("an open breaker lets one probe through after {}", seconds(config.recovery_timeout_s)),
    ]


def compared(config: Config, now: Config) -> list[formats.Markdown]:
    """A line for each effect, with the figure in force now where it differs."""
    lines = []
    for (sentence, figure), (_, before) in zip(effects(config), effects(now), strict=True):
        said = sentence.format(f"**{figure}**")
        lines.append(said if figure == before else f"{said} :orange[(now {before})]")
    return lines
