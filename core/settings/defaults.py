"""The default model and language: set while Cairn runs, else by the environment, else built in."""

from sqlmodel import Session

from core import languages
from core.environment import get_settings
from core.errors import InvalidInput
from core.providers.known_models import SUGGESTED, default_model
from core.runtime import db
from core.settings import learned_contexts, learned_forms, provider_rows, store
from core.settings.store import Source

MODEL = "model:"
LANGUAGE = "language"
MODEL_CHARACTERS = 200


def model_of(provider: str) -> tuple[str, Source]:
    """The provider's default model, and where it comes from."""
    settings = get_settings()
    here = store.values().get(f"{MODEL}{provider}", {}).get("model")
    set_up: str | None = getattr(settings, f"default_model_{provider}", None)
    if here:
        return here, "here"
    return (set_up, "environment") if set_up else (default_model(provider_rows.kind_of(provider)), "default")


def suggested(provider: str) -> list[str]:
    """Models to choose from. Of a provider that was added: those known to be there, else what its kind usually has."""
    row = provider_rows.of(provider)
    if row.built_in:
        return list(SUGGESTED[row.kind])
    here = store.values().get(f"{MODEL}{provider}", {}).get("model")
    learned = [*learned_forms.models(provider), *learned_contexts.models(provider)]
    return list(dict.fromkeys([*([here] if here else []), *learned])) or list(SUGGESTED[row.kind])


def change_model(provider: str, model: str) -> None:
    """Set the default model; an empty name leaves it to the environment again. Raises InvalidInput."""
    name = _checked(model)
    if provider not in provider_rows.remote():
        raise InvalidInput(f"The model of {provider!r} cannot be set. It can for {', '.join(provider_rows.remote())}.")
    with db.transaction() as session:
        put_model(session, provider, name)
    store.load()


def put_model(session: Session, provider: str, model: str) -> None:
    """In the caller's transaction. Raises InvalidInput."""
    name = _checked(model)
    store.put(session, f"{MODEL}{provider}", {"model": name} if name else None)


def language() -> tuple[str | None, Source]:
    """The language of answers, None for that of each document, and where it comes from."""
    here = store.values().get(LANGUAGE)
    if here is not None:
        return languages.named(here["language"]), "here"
    set_up = get_settings().default_language
    return (set_up, "environment") if set_up else (None, "default")


def change_language(language: str | None) -> None:
    """Set it; "document" is that of each document, None leaves it to the environment again. Raises InvalidInput."""
    if language not in (None, languages.OF_THE_DOCUMENT, *languages.NAMES):
        raise InvalidInput(f"Answers are asked for in no language {language!r}. Choose one of the list.")
    with db.transaction() as session:
        store.put(session, LANGUAGE, {"language": language} if language else None)
    store.load()


def model_for(provider: str, model: str | None) -> str:
    """The given model, else the default one. Raises InvalidInput."""
    return _checked(model or "") or model_of(provider)[0]


def _checked(model: str) -> str:
    name = model.strip()
    if len(name) > MODEL_CHARACTERS or not name.isprintable():
        raise InvalidInput(f"A model's name has up to {MODEL_CHARACTERS} printable characters.")
    return name
