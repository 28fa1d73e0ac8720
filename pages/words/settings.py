"""Settings as sentences: what a resilience configuration does, where values come from, and changes of settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core import presets
from core.presets import Config
from core.providers import capabilities
from core.settings.defaults import MODEL
from pages.common import formats

# Who made a change, until people sign in: the door that it came through.
DOOR = "settings page"
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


def seconds(amount: float) -> str:
    return f"{amount:.3g} s" if amount < 120 else f"{amount / 60:.3g} min"


def effects(config: Config) -> list[tuple[str, str]]:
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


def compared(config: Config, now: Config) -> list[str]:
    """A line for each effect, with the figure in force now where it differs."""
    lines = []
    for (sentence, figure), (_, before) in zip(effects(config), effects(now), strict=True):
        said = sentence.format(f"**{figure}**")
        lines.append(said if figure == before else f"{said} :orange[(now {before})]")
    return lines


@dataclass(frozen=True)
class Words:
    """How the settings of one kind are described. A setting's name is its kind, or `kind:rest`."""

    about: Callable[[str], str]
    choice: Callable[[Mapping[str, Any]], str]


def _of_provider(provider: str) -> str:
    return f"model of {capabilities.label(provider)}"


# Modules that show settings of other kinds add theirs.
KINDS = {MODEL.rstrip(":"): Words(_of_provider, lambda value: str(value["model"]))}


def choice(name: str, value: Mapping[str, Any] | None) -> str:
    """What is stored under a setting's name, in short."""
    if value is None:
        return "nothing set here"
    if words := KINDS.get(name.partition(":")[0]):
        return words.choice(value)
    if "preset" in value:
        return f"preset {value['preset']}"
    return ", ".join(f"{name} {figure}" for name, figure in value.get("custom", {}).items())


def setting(name: str, operations: Mapping[str, str]) -> str:
    """What a setting is about, by its name."""
    kind, _, rest = name.partition(":")
    if words := KINDS.get(kind):
        return words.about(rest)
    return operations.get(rest, rest) if rest else "all operations"
