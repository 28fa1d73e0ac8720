"""Configuration: read once from the environment and `.env`, frozen, checked at boot with all errors at once."""

from collections.abc import Callable
from functools import lru_cache

from pydantic import ValidationError

from core.environment.checks import Listening, Reason, needs_admin, reasons
from core.environment.strength import HOW_TO_MAKE_ONE, is_weak
from core.environment.variables import Settings, SignIn
from core.errors import ConfigurationError

__all__ = [
    "HOW_TO_MAKE_ONE",
    "Listening",
    "Settings",
    "SignIn",
    "check_admin",
    "get_settings",
    "is_weak",
    "load_settings",
]


def load_settings(listening: Listening | None = None) -> Settings:
    """Raises ConfigurationError naming every wrong variable, without echoing values."""
    wrong: list[Reason] = []
    try:
        settings = Settings()  # type: ignore[call-arg]  # values come from the environment
    except ValidationError as error:
        wrong = [
            Reason(".".join(map(str, e["loc"])) or "settings", e["msg"].removeprefix("Value error, "))
            for e in error.errors(include_url=False, include_input=False)
        ]
        settings = _without({one.about.partition(".")[0] for one in wrong})
    broken = {one.about.partition(".")[0] for one in wrong}
    found = [*wrong, *(one for one in reasons(settings, listening) if one.about not in broken)]
    if not found:
        return settings
    if listening is not None and "admin_emails" not in broken and needs_admin(settings, listening):
        # Whether there is an admin is not known before the database is up, and all is to be named at once.
        found.append(Reason("admin_emails", "is empty. Name yourself, unless there is an admin already."))
    raise _refusal(found)


def check_admin(settings: Settings, listening: Listening, has_admin: Callable[[], bool]) -> None:
    """For web, once the database is up. Raises ConfigurationError where nobody in production could let people in."""
    if needs_admin(settings, listening) and not has_admin():
        raise _refusal([Reason("admin_emails", "is empty, and there is no admin who could let people in. Name one.")])


def _without(broken: set[str]) -> Settings:
    """What is set well, for what else is to be said about it."""
    fields = Settings.model_fields
    return Settings(**{name: fields[name].get_default(call_default_factory=True) for name in broken if name in fields})


def _refusal(found: list[Reason]) -> ConfigurationError:
    lines = "\n".join(f"  {one.about.upper()}: {one.text}" for one in found)
    return ConfigurationError(f"Configuration is not valid:\n{lines}\nCorrect the environment or .env and start again.")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    return load_settings()
