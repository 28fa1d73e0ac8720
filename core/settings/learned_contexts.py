"""The context windows that servers named when they refused a question as too long: by provider, model and address.

A document that does not fit is then asked in parts. As what was learned of forms, it is a setting that an admin can
undo; while the environment locks the settings, nothing is learned.
"""

import re

import structlog

from core.environment import get_settings
from core.providers.known_models import context_tokens
from core.runtime import db
from core.settings import provider_rows, store

log = structlog.get_logger()
CONTEXT = "context:"
# Tokens. A smaller figure in a refusal is something else.
SMALLEST = 1_024
# How servers name it: OpenAI, vLLM and their like; llama.cpp; Anthropic.
NAMED = re.compile(
    r"context (?:length|size|window)\D{0,20}?(\d[\d,]*)|n_ctx\D{0,4}(\d+)|> (\d[\d,]*) maximum",
    re.IGNORECASE,
)


def of(provider: str, address: str, model: str) -> int:
    """The context window in tokens, input and output together: as an admin set it for the provider, else as the server
    named it, else as it is known."""
    row = provider_rows.of(provider)
    if row.context_tokens:
        return row.context_tokens
    stored = store.values().get(f"{CONTEXT}{provider}:{model}", {})
    known = context_tokens(row.kind, model)
    return min(known, int(stored["tokens"])) if stored.get("address") == address else known


def named_in(words: str) -> int | None:
    """The window that a refusal names."""
    found = NAMED.search(words)
    tokens = int(next(part for part in found.groups() if part).replace(",", "")) if found else 0
    return tokens if tokens >= SMALLEST else None


def learn(provider: str, address: str, model: str, words: str) -> int | None:
    """Remember the window that a refusal names, where it is smaller than what was known. Returns it, or None."""
    tokens = named_in(words)
    if tokens is None or tokens > of(provider, address, model) or get_settings().settings_locked:
        return None
    with db.transaction() as session:
        value = {"address": address, "tokens": tokens}
        if store.put(session, f"{CONTEXT}{provider}:{model}", value, action="learn"):
            log.info("a model's context was learned", provider=provider, model=model, tokens=tokens)
    store.load()
    return tokens


def forget(provider: str, model: str) -> None:
    with db.transaction() as session:
        store.put(session, f"{CONTEXT}{provider}:{model}", None)
    store.load()


def models(provider: str) -> list[str]:
    """The models of which something was learned."""
    start = f"{CONTEXT}{provider}:"
    return sorted(name.removeprefix(start) for name in store.values() if name.startswith(start))


def known(provider: str, address: str) -> dict[str, int]:
    """What this provider named at its address, by model."""
    start = f"{CONTEXT}{provider}:"
    return {
        name.removeprefix(start): int(value["tokens"])
        for name, value in store.values().items()
        if name.startswith(start) and value.get("address") == address
    }
