"""The model of a provider where none is chosen: set while Cairn runs, else by the environment, else ours."""

from typing import Literal

from core import db, stored
from core.errors import InvalidInput
from core.providers.models import default_model
from core.settings import get_settings

MODEL = "model:"
MODEL_CHARACTERS = 200
PROVIDERS = ("openai", "anthropic")
Source = Literal["default", "environment", "here"]


def model_of(provider: str) -> tuple[str, Source]:
    """And where it comes from."""
    settings = get_settings()
    here = stored.values().get(f"{MODEL}{provider}", {}).get("model")
    set_up = {"openai": settings.default_model_openai, "anthropic": settings.default_model_anthropic}.get(provider)
    if here:
        return here, "here"
    return (set_up, "environment") if set_up else (default_model(provider), "default")


def change_model(provider: str, model: str, *, by: str = "") -> None:
    """An empty name takes back what was set."""
    name = model.strip()
    if provider not in PROVIDERS:
        raise InvalidInput(f"The model of {provider!r} cannot be set. It can for {' and '.join(PROVIDERS)}.")
    if len(name) > MODEL_CHARACTERS or not name.isprintable():
        raise InvalidInput(f"A model's name has up to {MODEL_CHARACTERS} printable characters.")
    with db.transaction() as session:
        stored.put(session, f"{MODEL}{provider}", {"model": name} if name else None, by=by)
    stored.load()
