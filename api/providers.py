"""Providers: those there are, and adding, changing, testing and taking them away."""

from typing import Any

from fastapi import APIRouter

from api.schemas.providers import ProviderChangeIn, ProviderIn, ProviderOut, TestedOut
from api.schemas.shared import ListOut
from core.calls import connection_test, providers_now
from core.calls.providers_now import Learned, ProviderView
from core.errors import CairnError, InvalidInput
from core.settings import base_urls, provider_changes, provider_prices

router = APIRouter(prefix="/providers", tags=["providers"])


def _out(view: ProviderView) -> dict[str, Any]:
    return {
        "name": view.name,
        "kind": view.kind,
        "base_url": None if view.base_url is None else base_urls.shown(view.base_url),
        "key_set": view.key_set,
        "from": "settings" if view.from_settings else "environment",
        "set_up": view.set_up,
        "warning": view.warning,
        "default_model": view.default_model,
        "models": view.models,
        "context_tokens": view.context_tokens,
        "concurrency": view.concurrency,
        "prices": provider_prices.as_json(view.prices),
        "learned": [_learned(one) for one in view.learned],
    }


def _learned(one: Learned) -> dict[str, Any]:
    return {
        "model": one.model,
        "structured": "prompt" if one.form.answers == "text" else one.form.answers,
        "limit_field": one.form.limit,
        "temperature": one.form.sampled,
        "stream_only": one.form.streamed,
        "context_tokens": one.context_tokens,
    }


@router.get("", response_model=ListOut[ProviderOut])
def list_all() -> Any:
    """All there are: those from the start first."""
    return {"items": [_out(view) for view in providers_now.every()], "next_cursor": None}


@router.get("/{name}", response_model=ProviderOut)
def get(name: str) -> Any:
    return _out(providers_now.one(provider_changes.known(name).name))


@router.post("", response_model=ProviderOut, status_code=201)
def add(body: ProviderIn) -> Any:
    """A server that speaks OpenAI's or Anthropic's API, at its own address, with its own key and prices."""
    return get(provider_changes.add(body.name, body.kind, body.change()))


@router.put("/{name}", response_model=ProviderOut)
def change(name: str, body: ProviderChangeIn) -> Any:
    """What is left out stays. A key is never sent to another address than the one it was entered for."""
    row = provider_changes.known(name)
    if body.name not in (None, row.name) or body.kind not in (None, row.kind):
        raise InvalidInput("A provider keeps its name and kind: its answers and costs bear them. Add another one.")
    provider_changes.change(name, body.change())
    return get(name)


@router.delete("/{name}", status_code=204)
def remove(name: str) -> None:
    """Refused while a job that has not ended needs it. Its answers and costs stay."""
    provider_changes.remove(name)


@router.post("/{name}/test", response_model=TestedOut)
def test(name: str) -> Any:
    """Ask it for its models, which is free."""
    row = provider_changes.known(name)
    try:
        found = connection_test.models_of(row.name)
    except CairnError as error:
        return {"ok": False, "models": [], "message": error.message}
    return {"ok": True, "models": found, "message": f"{name} answers."}


@router.delete("/{name}/learned", status_code=204)
def forget_learned(name: str) -> None:
    """Forget in which form its server takes questions: the next ones are asked as usual."""
    provider_changes.forget_learned(name)
