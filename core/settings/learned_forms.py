"""What was learned of servers: in which form each takes the questions for a model, by its address.

It is stored as a setting, so that every process knows it, the log of changes shows it, and an admin can forget it.
While the environment locks the settings, each process learns for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlmodel import Session

from core.environment import get_settings
from core.providers import forms
from core.providers.forms import Form
from core.runtime import db
from core.settings import store

log = structlog.get_logger()
FORM = "form:"
Key = tuple[str, str, str]
_here: dict[Key, Form] = {}


@dataclass(frozen=True)
class Learned:
    """`said`: the server's words that taught it."""

    provider: str
    model: str
    form: Form
    said: str


def of(provider: str, address: str, model: str) -> Form:
    """The form in which this server takes questions for this model."""
    stored = store.values().get(_name(provider, model))
    if stored is not None and stored.get("address") == address:
        return forms.read(stored)
    return _here.get((provider, address, model), forms.AS_BUILT)


def put(session: Session, provider: str, address: str, model: str, form: Form, said: str) -> None:
    """Remember it, in the caller's transaction; the caller then loads the settings."""
    if get_settings().settings_locked:
        _here[provider, address, model] = form
        return
    value = {"address": address, **forms.as_json(form), "said": said[:300]}
    store.put(session, _name(provider, model), value, action=store.LEARNED)
    log.info("a server's form was learned", provider=provider, model=model, **forms.as_json(form))


def remember(provider: str, address: str, model: str, form: Form, said: str) -> None:
    with db.transaction() as session:
        put(session, provider, address, model, form, said)
    store.load()


def forget(provider: str, model: str) -> None:
    with db.transaction() as session:
        store.put(session, _name(provider, model), None)
    store.load()


def known(provider: str, address: str) -> list[Learned]:
    """What holds of this provider at its address, by model."""
    found = [
        Learned(provider, name.removeprefix(_name(provider, "")), forms.read(value), str(value.get("said", "")))
        for name, value in sorted(store.values().items())
        if name.startswith(_name(provider, "")) and _is_at(value, address)
    ]
    return found


def _is_at(value: Mapping[str, object], address: str) -> bool:
    return value.get("address") == address


def _name(provider: str, model: str) -> str:
    return f"{FORM}{provider}:{model}"


def models(provider: str) -> list[str]:
    """The models of which something was learned."""
    start = f"{FORM}{provider}:"
    return sorted(name.removeprefix(start) for name in store.values() if name.startswith(start))
