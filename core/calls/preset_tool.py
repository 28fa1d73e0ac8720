"""Presets on the command line: `python -m core.calls.preset_tool` with `list`, `show NAME`, `validate [JSON]` or
`recommend [ENVIRONMENT]`. `validate` alone checks what the environment sets.

`make presets`, `make preset`, `make validate-config` and `make recommend` call it.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from core import presets
from core.errors import ConfigurationError
from core.presets import Config, FieldError

USAGE = "Usage: python -m core.calls.preset_tool list | show NAME | validate [JSON] | recommend [ENVIRONMENT]"


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["list"]:
            return _list()
        case ["show", name]:
            return _shown(*presets.preset(name))
        case ["validate", *given] if len(given) < 2:
            return _validate("".join(given))
        case ["recommend", *given] if len(given) < 2:
            return _recommend("".join(given) or os.environ.get("ENVIRONMENT"))
    print(USAGE, file=sys.stderr)
    return 2


def _list() -> int:
    for name, config in presets.PRESETS.items():
        print(f"{name:12} {summary(config)}")
    return 0


def summary(config: Config) -> str:
    return (
        f"{config.retry_attempts} retries; the breaker opens after {config.circuit_breaker_threshold} failures, "
        f"{config.recovery_timeout_s:g} s recovery; {config.strategy}; "
        f"a call that keeps failing gives up after {presets.gives_up_after(config):g} s"
    )


def _validate(text: str) -> int:
    if not text:
        from core.calls import resilience  # it takes far longer than all else here

        return _shown(resilience.snapshot().environment.config, [])
    try:
        custom = json.loads(text)
    except ValueError as error:
        return _shown(None, [FieldError("CONFIG", f"is not JSON: {error}")])
    return _shown(*presets.validate(custom))


def _shown(config: Config | None, errors: Sequence[FieldError]) -> int:
    if config is None:
        for wrong in errors:
            print(f"{wrong.field} {wrong.message}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(config), indent=2))
    print(f"A call that keeps failing gives up after {presets.gives_up_after(config):g} s.")
    return 0


def _recommend(environment: str | None) -> int:
    if not environment:
        from core.environment import get_settings

        environment = get_settings().environment
    name, reason = presets.recommend(environment)
    print(f"{name}: {reason}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ConfigurationError as error:
        sys.exit(error.message)
