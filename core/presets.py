"""How calls to models are retried and when a circuit breaker opens: presets, strategies, own figures. Pure.

What a person or the environment gives is a *choice*: a preset's name or own figures. Figures that a choice leaves
open are those of the layer below it; a strategy that it names sets the four of waiting.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

Strategy = Literal["aggressive", "balanced", "conservative"]
PresetName = Literal["simple", "development", "production"]


@dataclass(frozen=True)
class Config:
    """`retry_attempts` are made after the first attempt. The breaker opens after `circuit_breaker_threshold` failures
    one after the other, and lets a probe through after `recovery_timeout_s`. Waits between attempts grow by
    `backoff_factor` from `backoff_base_s` to `backoff_cap_s`; no attempt begins later than `deadline_s` after the
    first one."""

    retry_attempts: int
    circuit_breaker_threshold: int
    recovery_timeout_s: float
    strategy: Strategy
    backoff_base_s: float
    backoff_factor: float
    backoff_cap_s: float
    deadline_s: float


@dataclass(frozen=True)
class FieldError:
    field: str
    message: str


@dataclass(frozen=True)
class FieldBounds:
    least: float
    most: float
    whole: bool = False

    def refusal(self, value: object) -> str | None:
        kind = "a whole number" if self.whole else "a number"
        bounds = f"must be {kind} from {self.least:g} to {self.most:g}"
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return bounds
        assert isinstance(value, (int, float))
        return None if self.least <= value <= self.most else bounds


Values = Mapping[str, int | float | str]
WAITING = ("backoff_base_s", "backoff_factor", "backoff_cap_s", "deadline_s")
FIELDS = tuple(field.name for field in fields(Config))
BOUNDS = {
    "retry_attempts": FieldBounds(0, 10, whole=True),
    "circuit_breaker_threshold": FieldBounds(1, 100, whole=True),
    "recovery_timeout_s": FieldBounds(0.1, 3600),
    "backoff_base_s": FieldBounds(0.01, 60),
    "backoff_factor": FieldBounds(1, 10),
    "backoff_cap_s": FieldBounds(0.01, 600),
    "deadline_s": FieldBounds(0.1, 86_400),
}
# Names of an older scheme, which stored configurations still hold.
OLD_NAMES = {
    "recovery_timeout": "recovery_timeout_s",
    "default_strategy": "strategy",
    "exponential_min": "backoff_base_s",
    "exponential_max": "backoff_cap_s",
    "max_delay_seconds": "deadline_s",
}

STRATEGIES: dict[Strategy, Values] = {
    "aggressive": {"backoff_base_s": 0.25, "backoff_factor": 2.0, "backoff_cap_s": 5.0, "deadline_s": 60.0},
    "balanced": {"backoff_base_s": 0.5, "backoff_factor": 2.0, "backoff_cap_s": 30.0, "deadline_s": 300.0},
    "conservative": {"backoff_base_s": 1.0, "backoff_factor": 2.0, "backoff_cap_s": 60.0, "deadline_s": 900.0},
}
STRATEGY_WORDS: dict[Strategy, str] = {
    "aggressive": "short waits, gives up early",
    "balanced": "waits that suit most work",
    "conservative": "long waits that spare a struggling provider",
}


def _preset(retries: int, threshold: int, recovery: float, strategy: Strategy) -> Config:
    values: dict[str, Any] = {**STRATEGIES[strategy]}
    return Config(retries, threshold, recovery, strategy, **values)


PRESETS: dict[PresetName, Config] = {
    "simple": _preset(3, 5, 60, "balanced"),
    "development": _preset(2, 3, 30, "aggressive"),
    "production": _preset(5, 10, 120, "conservative"),
}
PRESET_WORDS: dict[PresetName, str] = {
    "simple": "A middle way, where nothing is known of how Cairn is used.",
    "development": "Tells quickly that something is wrong, for whoever sits in front of it.",
    "production": "Sits out a provider's bad minutes, for work that runs unattended.",
}


def chosen(raw: object) -> tuple[Values, list[FieldError]]:
    """The values that a custom choice sets, under their names of today, and what is wrong with it."""
    if not isinstance(raw, Mapping):
        return {}, [FieldError("custom", 'must be an object such as {"retry_attempts": 3}')]
    renamed: dict[str, Any] = {OLD_NAMES.get(str(name), str(name)): value for name, value in raw.items()}
    pairs = OLD_NAMES.items()
    errors = [FieldError(name, message) for name, value in renamed.items() if (message := _refusal(name, value))]
    twice = [FieldError(new, f"is given twice, here and as {old}") for old, new in pairs if {old, new} <= {*raw}]
    if errors or twice:
        return {}, [*errors, *twice]
    waiting = STRATEGIES[renamed["strategy"]] if "strategy" in renamed else {}
    return {**waiting, **renamed}, []


def _refusal(name: str, value: object) -> str | None:
    if name == "strategy":
        return None if value in get_args(Strategy) else f"must be one of {', '.join(get_args(Strategy))}"
    if name not in BOUNDS:
        return f"is not known. Known are {', '.join(FIELDS)}"
    return BOUNDS[name].refusal(value)


def over(below: Config, values: Values) -> Config:
    return Config(**{**asdict(below), **values})


def validate(raw: object, below: Config = PRESETS["simple"]) -> tuple[Config | None, list[FieldError]]:
    """The whole configuration that a custom choice makes over the layer below, or all that is wrong with it."""
    values, errors = chosen(raw)
    if errors:
        return None, errors
    config = over(below, values)
    if config.backoff_cap_s < config.backoff_base_s:
        most = f"must not be less than backoff_base_s, which is {config.backoff_base_s:g}"
        return None, [FieldError("backoff_cap_s", most)]
    return config, []


def preset(name: object) -> tuple[Config | None, list[FieldError]]:
    for known, config in PRESETS.items():
        if name == known:
            return config, []
    return None, [FieldError("preset", f"must be one of {', '.join(PRESETS)}")]


RECOMMENDED: dict[str, tuple[PresetName, str]] = {
    "development": ("development", "a mistake shows within seconds, and nobody waits for a provider to recover"),
    "staging": ("production", "staging should show how production behaves"),
    "production": ("production", "work runs unattended and must sit out a provider's bad minutes"),
}


def recommend(environment: str) -> tuple[PresetName, str]:
    return RECOMMENDED.get(
        environment.strip().lower(), ("simple", f"nothing is known of an environment called {environment!r}")
    )


def gives_up_after(config: Config) -> float:
    """The most seconds for which a call that keeps failing at once is tried. A provider may ask for longer waits."""
    waits, wait = 0.0, config.backoff_base_s
    for _ in range(config.retry_attempts):
        waits += min(wait, config.backoff_cap_s)
        wait *= config.backoff_factor
    return min(waits, config.deadline_s)
