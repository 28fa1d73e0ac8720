"""A model with the day on which its maker switches it off, and the models to choose from."""

from datetime import date

from core.providers.known_models import ends_on
from core.settings import defaults
from pages.common import formats


def to_choose(provider: str, default: str, today: date) -> list[str]:
    """The default first, then the suggested ones that still answer."""
    ended = {name for name in defaults.suggested(provider) if (day := ends_on(provider, name)) and day <= today}
    return [
        name for name in dict.fromkeys([default, *defaults.suggested(provider)]) if name == default or name not in ended
    ]


def named(provider: str, model: str) -> str:
    """For a choice: the name, and when it ends."""
    day = ends_on(provider, model)
    return f"{model} (until {day:%Y-%m-%d})" if day else model


def end(provider: str, model: str, today: date) -> formats.Markdown | None:
    """A sentence where the end of the model is known."""
    day = ends_on(provider, model)
    if day is None:
        return None
    name = formats.plain(model)
    if day <= today:
        return f"{name} was switched off on {day:%Y-%m-%d}: choose another model."
    return f"{name} is switched off on {day:%Y-%m-%d}. What is not answered by then fails: choose another in time."
