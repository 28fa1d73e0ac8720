"""How a job wants its answers written: what may be set of it, and what a model is known to take nothing of. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import InvalidInput
from core.providers.capabilities import Capabilities, Kind

# No model writes more in one call.
MOST_OUTPUT_TOKENS = 1_000_000


@dataclass(frozen=True)
class Sampling:
    """None: as Cairn asks by itself. `max_output_tokens`: the longest answer, a model's thoughts included."""

    temperature: float | None = None
    max_output_tokens: int | None = None


AS_ASKED = Sampling()


def read(value: Mapping[str, Any] | None) -> Sampling:
    """As `as_json` wrote it."""
    return Sampling(**value) if value else AS_ASKED


def as_json(sampling: Sampling) -> dict[str, Any] | None:
    """What is set; None where nothing is."""
    return {name: value for name, value in asdict(sampling).items() if value is not None} or None


def check(sampling: Sampling, can: Capabilities) -> None:
    """Raises InvalidInput for what a provider that can do this takes of no model."""
    if sampling == AS_ASKED:
        return
    if can.hottest is None:
        raise InvalidInput(
            f"sampling is for language models; {can.label_in_sentences} has nothing to set: leave it out."
        )
    heat, longest = sampling.temperature, sampling.max_output_tokens
    if heat is not None and not 0 <= heat <= can.hottest:
        raise InvalidInput(f"sampling.temperature is a number from 0 to {can.hottest} at {can.label_in_sentences}.")
    if longest is not None and not 1 <= longest <= MOST_OUTPUT_TOKENS:
        raise InvalidInput(f"sampling.max_output_tokens is a number of tokens from 1 to {MOST_OUTPUT_TOKENS:,}.")


# Models that refuse any temperature but their own. OpenAI's models that think always do so; those of 5.1 to 5.4 think
# only when they are told to. Anthropic's refuse it from Opus 4.7 on.
FIXED: dict[Kind, re.Pattern[str]] = {
    "openai": re.compile(r"(?:o\d|gpt-5(?!\.|-chat)|gpt-5\.6)"),
    "anthropic": re.compile(r"claude-(?:opus-4-[7-9]|[a-z]+-[5-9])"),
}


def takes_temperature(kind: Kind, model: str) -> bool:
    """False where the model is known by its name to refuse one; what else refuses it is learned when it does."""
    known = FIXED.get(kind)
    return not (known and known.match(model))


def number(temperature: float) -> float:
    """As it stands in a body: 0 as Cairn itself writes it, so that an equal question has an equal fingerprint."""
    return int(temperature) if float(temperature).is_integer() else temperature
