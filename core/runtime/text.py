"""Text as the database takes it, and its hash."""

import hashlib
from typing import Any

import orjson

from core.errors import InvalidInput


def storable_json(value: dict[str, Any] | None) -> str | None:
    """JSON that jsonb takes: it refuses a NUL."""
    return None if value is None else orjson.dumps(_without_nul(value)).decode()


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value


def storable(text: str) -> str:
    """Text as PostgreSQL takes it: no NUL and no half surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def bounded(text: str, what: str, most: int) -> str:
    """The text. Raises InvalidInput above so many characters; `what` begins the sentence."""
    if len(text) > most:
        raise InvalidInput(f"{what} has up to {most:,} characters. Shorten it.")
    return text
