"""What genai-prices does not know, or not yet: our corrections, each with its source and the day on which it was noted.

A test fails once the snapshot that is installed has caught up with one: then it goes.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.money import snapshot
from core.money.rates import Rates, Sheet, flat
from core.providers.capabilities import Kind
from core.providers.usage import Tier


@dataclass(frozen=True)
class Correction:
    """`example`: a model that it is for. `sheets`: rates by tier; `half`: tiers at half the standard rates."""

    kind: Kind
    models: str
    example: str
    source: str
    noted: date
    rates: Rates | None = None
    half: tuple[Tier, ...] = ()

    def sheet(self, model: str, tier: Tier, day: date) -> Sheet | None:
        if self.rates is not None and tier == "standard":
            return flat(self.rates)
        if tier not in self.half:
            return None
        standard = snapshot.listed(self.kind, model, "standard", day) if self.rates is None else None
        full = flat(self.rates) if self.rates is not None else standard.sheet if standard else None
        return full.times(HALF) if full else None


HALF = Decimal("0.5")
OPENAI_PRICES = "https://developers.openai.com/api/docs/pricing"
ANTHROPIC_PRICES = "https://platform.claude.com/docs/en/about-claude/pricing"


def _rates(input_: str, cached: str, output: str, written: str | None = None, lasting: str | None = None) -> Rates:
    writes = (None if one is None else Decimal(one) for one in (written, lasting))
    return Rates(Decimal(input_), Decimal(output), Decimal(cached), *writes)


def _tuned(model: str, snapshot_of: str, rates: Rates) -> Correction:
    """OpenAI's ids of fine-tuned models are ft:MODEL:organisation:name:id; a batch of them costs half, too."""
    pattern = rf"ft:{re.escape(model)}-\d{{4}}-\d{{2}}-\d{{2}}:"
    return Correction("openai", pattern, f"ft:{snapshot_of}:acme::a1b2", OPENAI_PRICES, NOTED, rates, ("batch",))


NOTED = date(2026, 11, 30)
CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        "openai",
        r"text-embedding-(?:3-small|3-large|ada-002)$",
        "text-embedding-3-small",
        OPENAI_PRICES,
        NOTED,
        half=("batch",),
    ),
    _tuned("gpt-4.1", "gpt-4.1-2025-04-14", _rates("3", "0.75", "12")),
    _tuned("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", _rates("0.8", "0.2", "3.2")),
    _tuned("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", _rates("0.2", "0.05", "0.8")),
    _tuned("o4-mini", "o4-mini-2025-04-16", _rates("4", "1", "16")),
    Correction(
        "anthropic",
        r"claude-mythos-5-1(?:-\d{8})?$",
        "claude-mythos-5-1",
        ANTHROPIC_PRICES,
        NOTED,
        _rates("10", "0.25", "50", "12.5", "20"),
        ("batch",),
    ),
    Correction(
        "anthropic",
        r"claude-mythos-5(?:-\d{8})?$",
        "claude-mythos-5",
        ANTHROPIC_PRICES,
        NOTED,
        _rates("10", "1", "50", "12.5", "20"),
        ("batch",),
    ),
)
# Inference that is kept in a region costs more, for all kinds of tokens. Older models refuse to be kept anywhere.
# Source: https://platform.claude.com/docs/en/manage-claude/data-residency, November 2026.
REGIONS: dict[tuple[Kind, str], Decimal] = {("anthropic", "us"): Decimal("1.1")}


def of_model(kind: Kind, model: str, tier: Tier, day: date) -> tuple[Correction, Sheet] | None:
    """The correction that holds for this model and tier, with its rates."""
    for correction in CORRECTIONS:
        if correction.kind == kind and re.match(correction.models, model):
            sheet = correction.sheet(model, tier, day)
            if sheet is not None:
                return correction, sheet
    return None


def of_region(kind: Kind, region: str | None) -> Decimal | None:
    return REGIONS.get((kind, region)) if region else None
