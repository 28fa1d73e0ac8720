from dataclasses import asdict
from typing import Any

import pytest

from core.presets import PRESETS, STRATEGIES, Config, FieldError, gives_up_after, over, preset, recommend, validate


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("simple", (3, 5, 60, "balanced")),
        ("development", (2, 3, 30, "aggressive")),
        ("production", (5, 10, 120, "conservative")),
    ],
)
def test_the_presets_have_the_figures_that_were_promised(name: Any, figures: tuple[object, ...]) -> None:
    config = PRESETS[name]
    first_four = (config.retry_attempts, config.circuit_breaker_threshold, config.recovery_timeout_s, config.strategy)
    assert first_four == figures
    assert over(config, STRATEGIES[config.strategy]) == config
    assert validate(asdict(config)) == (config, [])


def test_own_figures_stand_over_those_below() -> None:
    config, errors = validate({"retry_attempts": 7, "circuit_breaker_threshold": 9}, PRESETS["production"])
    assert errors == []
    assert config == over(PRESETS["production"], {"retry_attempts": 7, "circuit_breaker_threshold": 9})


def test_a_strategy_sets_the_waiting_unless_it_is_given() -> None:
    config, _ = validate({"strategy": "conservative", "backoff_cap_s": 7})
    assert config is not None
    waits = (config.backoff_base_s, config.backoff_factor, config.backoff_cap_s, config.deadline_s)
    assert waits == (1, 2, 7, 900)
    assert config.retry_attempts == PRESETS["simple"].retry_attempts


def test_names_of_the_older_scheme_are_read() -> None:
    old = {
        "retry_attempts": 4,
        "circuit_breaker_threshold": 8,
        "recovery_timeout": 90,
        "default_strategy": "balanced",
        "exponential_min": 2.0,
        "exponential_max": 30.0,
        "max_delay_seconds": 45,
    }
    assert validate(old) == (Config(4, 8, 90, "balanced", 2.0, 2.0, 30.0, 45), [])


@pytest.mark.parametrize(
    ("raw", "field", "message"),
    [
        ({"retry_attempts": -1}, "retry_attempts", "must be a whole number from 0 to 10"),
        ({"retry_attempts": 11}, "retry_attempts", "must be a whole number from 0 to 10"),
        ({"retry_attempts": 2.5}, "retry_attempts", "must be a whole number from 0 to 10"),
        ({"retry_attempts": True}, "retry_attempts", "must be a whole number from 0 to 10"),
        ({"retry_attempts": "3"}, "retry_attempts", "must be a whole number from 0 to 10"),
        ({"retry_attempts": None}, "retry_attempts", "must be a whole number from 0 to 10"),
        ({"deadline_s": float("nan")}, "deadline_s", "must be a number from 0.1 to 86400"),
        ({"deadline_s": float("inf")}, "deadline_s", "must be a number from 0.1 to 86400"),
        ({"recovery_timeout_s": 0}, "recovery_timeout_s", "must be a number from 0.1 to 3600"),
        ({"strategy": "brave"}, "strategy", "must be one of aggressive, balanced, conservative"),
        ({"strategy": ["balanced"]}, "strategy", "must be one of aggressive, balanced, conservative"),
        ({"backoff_cap_s": 0.1}, "backoff_cap_s", "must not be less than backoff_base_s, which is 0.5"),
        ({"recovery_timeout": 5, "recovery_timeout_s": 6}, "recovery_timeout_s", "is given twice"),
        ([3], "custom", "must be an object"),
        (None, "custom", "must be an object"),
    ],
)
def test_a_wrong_figure_is_told_by_its_field(raw: object, field: str, message: str) -> None:
    config, errors = validate(raw)
    assert config is None
    assert [error.field for error in errors] == [field]
    assert errors[0].message.startswith(message)


def test_all_that_is_wrong_is_told_at_once() -> None:
    config, errors = validate({"retries": 3, "deadline_s": 0, "strategy": "balanced"})
    assert config is None
    assert [error.field for error in errors] == ["retries", "deadline_s"]
    assert errors[0].message.startswith("is not known. Known are retry_attempts, circuit_breaker_threshold,")


def test_a_preset_that_there_is_not() -> None:
    assert preset("simple") == (PRESETS["simple"], [])
    assert (
        preset(["simple"])
        == preset("none")
        == (
            None,
            [FieldError("preset", "must be one of simple, development, production")],
        )
    )


@pytest.mark.parametrize(
    ("environment", "name"),
    [("development", "development"), ("Production ", "production"), ("staging", "production"), ("moon", "simple")],
)
def test_a_preset_is_recommended_with_its_reason(environment: str, name: str) -> None:
    recommended, reason = recommend(environment)
    assert recommended == name
    assert len(reason) > 20


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"retry_attempts": 0}, 0),
        ({"retry_attempts": 3}, 1 + 2 + 4),
        ({"retry_attempts": 5, "backoff_cap_s": 3}, 1 + 2 + 3 + 3 + 3),
        ({"retry_attempts": 5, "deadline_s": 20}, 20),
        ({"retry_attempts": 3, "backoff_factor": 1}, 3),
    ],
)
def test_when_a_call_that_keeps_failing_gives_up(values: dict[str, Any], seconds: float) -> None:
    assert gives_up_after(over(PRESETS["production"], values)) == seconds
