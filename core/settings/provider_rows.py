"""The providers: those that bear the name of their kind are there from the start, others are added by an admin.

Each is a row among the settings, so that every process knows it within a moment, the log of changes shows it, and what
belongs to it (address, key, model, caps, what was learned) is stored beside it under its name. A row that was taken
away leaves its kind: answers of it are read, and shown, for as long as there are any.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from core import providers
from core.errors import InvalidInput
from core.providers import capabilities
from core.providers.capabilities import KINDS, REMOTE, Capabilities, Kind
from core.providers.types import Provider
from core.settings import provider_prices, store
from core.settings.provider_prices import Prices
from core.settings.store import ROW

NAME_CHARACTERS = 60
# As it stands in addresses of the API, in labels of metrics and in the names of other settings, before a colon.
_NAME = re.compile(r"[^\W_](?:[\w .-]*[^\W_])?")


@dataclass(frozen=True)
class ProviderRow:
    """`base_url`: of one that was added; those from the start have theirs elsewhere (core/settings/credentials.py).

    `context_tokens`: what a question and its answer may have, for every model; `concurrency`: calls at once."""

    name: str
    kind: Kind
    base_url: str | None = None
    context_tokens: int | None = None
    concurrency: int | None = None
    prices: Prices = "list"

    @property
    def built_in(self) -> bool:
        return self.name in KINDS

    @property
    def can(self) -> Capabilities:
        """What it can do; one that was added is called by its own name."""
        found = capabilities.of_kind(self.kind)
        if not self.built_in:
            found = replace(found, label=self.name, label_in_sentences=self.name, short_label=self.name)
        return replace(found, is_billed=False) if self.prices == "free" else found


def as_json(row: ProviderRow) -> dict[str, Any]:
    """What differs from a row where nothing is set."""
    stored = {
        "kind": None if row.built_in else row.kind,
        "base_url": row.base_url,
        "context_tokens": row.context_tokens,
        "concurrency": row.concurrency,
        "prices": None if row.prices == "list" else provider_prices.as_json(row.prices),
    }
    return {name: value for name, value in stored.items() if value is not None}


def put(session: Session, row: ProviderRow) -> None:
    """In the caller's transaction; the caller then loads the settings."""
    store.put(session, f"{ROW}{row.name}", as_json(row) or None)


def read(name: str, stored: Mapping[str, Any]) -> ProviderRow:
    """As `as_json` wrote it."""
    return ProviderRow(
        name,
        _built_in(name) or stored["kind"],
        stored.get("base_url"),
        stored.get("context_tokens"),
        stored.get("concurrency"),
        provider_prices.read(stored.get("prices")),
    )


def _built_in(name: str) -> Kind | None:
    return next((kind for kind in KINDS if kind == name), None)


def names() -> list[str]:
    """Of all providers: those from the start, then the others by name. Last is the one without a language model."""
    added = (name.removeprefix(ROW) for name, value in store.values().items() if _is_there(name, value))
    return [*REMOTE, *sorted(set(added) - {*KINDS}, key=str.casefold), *(kind for kind in KINDS if kind not in REMOTE)]


def remote() -> list[str]:
    """Of those with an address and a key."""
    return [name for name in names() if not of(name).can.is_local]


def _is_there(name: str, value: Mapping[str, Any]) -> bool:
    return name.startswith(ROW) and not value.get("removed")


def exists(name: str) -> bool:
    return name in KINDS or _is_there(f"{ROW}{name}", store.values().get(f"{ROW}{name}", {"removed": True}))


def of(name: str) -> ProviderRow:
    """Also of one that was taken away, whose kind counts on. Raises LookupError for a name that never was."""
    if stored := store.values().get(f"{ROW}{name}"):
        return read(name, stored)
    if kind := _built_in(name):
        return ProviderRow(name, kind)
    # Where the environment locks the settings nothing of it is in force, but what it answered is still of its kind.
    if stored := store.stored().get(f"{ROW}{name}"):
        return ProviderRow(name, stored["kind"])
    raise LookupError(name)


def can(name: str) -> Capabilities:
    """An unknown name, as a row of another version may hold, is a language model behind an API that bears its name."""
    try:
        return of(name).can
    except LookupError:
        return Capabilities(name, name, name)


def label(name: str) -> str:
    return can(name).label


def kind_of(name: str) -> Kind:
    return of(name).kind


def keyless(name: str) -> Provider:
    """For what needs no key, as the provider may not be set up any more: making bodies, reading answers."""
    return providers.keyless(kind_of(name), name)


def checked_name(name: str) -> str:
    """The name as it is stored. Raises InvalidInput."""
    found = unicodedata.normalize("NFKC", name).strip()
    if len(found) > NAME_CHARACTERS or not _NAME.fullmatch(found) or "  " in found:
        raise InvalidInput(
            f"A provider's name has up to {NAME_CHARACTERS} letters, digits, single spaces, dots, hyphens and "
            "underscores, and begins and ends with a letter or digit."
        )
    return found
