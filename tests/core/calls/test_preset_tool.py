"""The presets on the command line, through make."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.calls import preset_tool

ROOT = Path(__file__).resolve().parents[3]


def make(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    # `-o`: what the environment is made of is not made anew by a test.
    command = ["make", "-s", "-o", ".venv/.run", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_presets_are_listed_in_plain_numbers() -> None:
    lines = make("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["simple", "development", "production"]
    assert lines[2].endswith(
        "5 retries; the breaker opens after 10 failures, 120 s recovery; conservative; "
        "a call that keeps failing gives up after 31 s"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("preset", "NAME=production"), True, '"retry_attempts": 5'),
        (("validate-config", "CONFIG={it's}"), False, "CONFIG is not JSON"),
        (("recommend",), True, "development: "),
        (("recommend", "ENVIRONMENT=production"), True, "production: "),
    ],
)
def test_a_preset_is_shown_validated_and_recommended(arguments: tuple[str, ...], status: bool, told: str) -> None:
    done = make(*arguments)
    assert (done.returncode == 0) is status
    assert told in (done.stdout if status else done.stderr)


# In this process: to start one takes longer than all of these.
@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("show", "none"), 1, "preset must be one of simple, development, production"),
        (("validate", '{"retry_attempts": 4}'), 0, '"retry_attempts": 4'),
        (("validate",), 0, '"retry_attempts": 3'),
        (("validate", '{"retry_attempts": 44}'), 1, "retry_attempts must be a whole number from 0"),
    ],
)
def test_figures_are_validated(
    arguments: tuple[str, ...], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preset_tool.main(arguments) == status
    out, err = capsys.readouterr()
    assert told in (err if status else out)


def test_what_the_environment_sets_is_validated() -> None:
    old = {"retry_attempts": 3, "circuit_breaker_threshold": 7, "recovery_timeout": 45}
    custom = json.dumps({**old, "default_strategy": "aggressive"})
    done = make("validate-config", RESILIENCE_PRESET="production", RESILIENCE_CUSTOM_CONFIG=custom)
    config = json.loads(done.stdout[: done.stdout.rindex("}") + 1])
    assert (config["retry_attempts"], config["circuit_breaker_threshold"], config["recovery_timeout_s"]) == (3, 7, 45)
    assert (config["strategy"], config["deadline_s"]) == ("aggressive", 60)
    wrong = make("validate-config", RESILIENCE_CUSTOM_CONFIG='{"retry_attempts": 99}')
    assert wrong.returncode != 0
    assert "RESILIENCE_CUSTOM_CONFIG: retry_attempts must be a whole number from 0 to 10" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_a_process_with_a_wrong_configuration_says_so_and_does_not_start() -> None:
    env = {**os.environ, "RESILIENCE_CUSTOM_CONFIG": '{"retry_attempts": 99, "breaker": 1}'}
    done = subprocess.run(
        [sys.executable, "-m", "jobs"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    told = "RESILIENCE_CUSTOM_CONFIG: retry_attempts must be a whole number from 0 to 10; breaker is not known"
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_environment_may_name_itself() -> None:
    assert make("recommend", ENVIRONMENT="staging").stdout.startswith("production: ")
