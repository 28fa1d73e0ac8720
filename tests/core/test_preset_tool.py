"""The presets on the command line, through make."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
        (("preset", "NAME=none"), False, "preset must be one of simple, development, production"),
        (("validate-config", 'CONFIG={"retry_attempts": 4}'), True, '"retry_attempts": 4'),
        (("validate-config", 'CONFIG={"retry_attempts": 44}'), False, "retry_attempts must be a whole number from 0"),
        (("validate-config", "CONFIG={it's}"), False, "CONFIG is not JSON"),
        (("recommend",), True, "development: "),
        (("recommend", "ENVIRONMENT=production"), True, "production: "),
    ],
)
def test_a_preset_is_shown_validated_and_recommended(arguments: tuple[str, ...], status: bool, told: str) -> None:
    done = make(*arguments)
    assert (done.returncode == 0) is status
    assert told in (done.stdout if status else done.stderr)


def test_the_environment_may_name_itself() -> None:
    assert make("recommend", ENVIRONMENT="staging").stdout.startswith("production: ")
