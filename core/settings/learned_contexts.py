"""The context windows that servers named when they refused a question as too long: by provider, model and address.

A document that does not fit is then asked in parts. As what was learned of forms, it is a setting that an admin can
undo; while the environment locks the settings, nothing is learned.
"""

import re

import structlog
from sqlmodel import Session

from core.environment import get_settings
from core.providers.known_models import context_tokens
from core.runtime import db
from core.settings import provider_rows, store

log = structlog.get_logger()
CONTEXT = "context:"
# Tokens. A smaller figure in a refusal is something else.
SMALLEST = 1_024
# How servers name it, the surest first: llama.cpp and LM Studio; Anthropic; Mistral; OpenAI, vLLM and their like; xAI;
# Gemini; TGI; Cohere. Other figures stand beside it, such as how long the question is.
NAMED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"n_ctx\D{0,4}(\d+)",
        r"> (\d[\d,]*) maximum",
        r"context limit: [\d, +]+> (\d[\d,]*)",
        r"(\d[\d,]*) maximum context length",
        r"context (?:length|size|window)\D{0,20}?(\d[\d,]*)",
        r"maximum prompt length\D{0,10}?(\d[\d,]*)",
        r"tokens allowed\W{0,3}(\d[\d,]*)",
        r"max_new_tokens\W* must be <= ?(\d[\d,]*)|must have less than (\d[\d,]*) tokens",
        r"cannot exceed (\d[\d,]*)",
    )
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
    found = next((found for pattern in NAMED if (found := pattern.search(words))), None)
    tokens = int(next(part for part in found.groups() if part).replace(",", "")) if found else 0
    return tokens if tokens >= SMALLEST else None


def learn(provider: str, address: str, model: str, words: str) -> int | None:
    with db.transaction() as session:
        tokens = put(session, provider, address, model, words)
    store.load()
    return tokens


def put(session: Session, provider: str, address: str, model: str, words: str) -> int | None:
    """Remember the window that a refusal names, where it is smaller than what was known, in the caller's transaction;
    the caller then loads the settings. Returns it, or None."""
    tokens = named_in(words)
    if tokens is None or tokens > of(provider, address, model) or get_settings().settings_locked:
        return None
    value = {"address": address, "tokens": tokens}
    if store.put(session, f"{CONTEXT}{provider}:{model}", value, action=store.LEARNED):
        log.info("a model's context was learned", provider=provider, model=model, tokens=tokens)
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
