"""The providers that this process may call, each with an HTTP client of its own.

When a provider's key or address changes, the next call is given a new client. Calls in flight end on the client they
began with; the last of them closes it, in the event loop that used it.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core import providers
from core.environment import Settings, get_settings
from core.errors import InvalidInput
from core.providers.types import Provider
from core.settings import credentials, provider_rows, store
from core.settings.credentials import Credentials


class Client:
    """A provider with one key and address, and the number of calls that use it now."""

    def __init__(self, made_of: object, provider: Provider):
        self.made_of = made_of
        self.provider = provider
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._retired = False
        self._closing = False

    def begin(self) -> bool:
        """Count one more user. False if it is closed already: another client has taken its place."""
        with self._lock:
            if self._closing:
                return False
            self._loop = asyncio.get_running_loop()
            self._users += 1
            return True

    async def end(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._must_close()
        if last:
            await self.provider.close()

    def retire(self) -> None:
        """Close it as soon as no call uses it, from any thread. The caller gives it out no more."""
        with self._lock:
            self._retired = True
            idle, loop = self._must_close(), self._loop
        if idle and loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(self.provider.close(), loop)

    def _must_close(self) -> bool:
        if self._closing or self._users or not self._retired:
            return False
        self._closing = True
        return True


@dataclass(frozen=True)
class _Known:
    """Clients, and the settings and stored values that they were made from."""

    settings: Settings
    stored: Mapping[str, store.Value]
    clients: Mapping[str, Client]


_known: _Known | None = None
_renewing = threading.Lock()


def _clients() -> Mapping[str, Client]:
    known, settings, values = _known, get_settings(), store.values()
    if known is not None and known.settings is settings and known.stored is values:
        return known.clients
    return _renew()


def _renew() -> Mapping[str, Client]:
    """Make clients for what changed; those of the other providers stay."""
    global _known
    with _renewing:
        settings, values = get_settings(), store.values()
        before = _known.clients if _known else {}
        found = {name: one for name in provider_rows.names() if (one := _client(name, settings, before.get(name)))}
        _known = _Known(settings, values, found)
    for name, one in before.items():
        if found.get(name) is not one:
            one.retire()
    return found


def _client(name: str, settings: Settings, before: Client | None) -> Client | None:
    how = None if provider_rows.can(name).is_local else credentials.of(name)
    if how is not None and not how.set_up:
        return None
    made_of = (how, settings.provider_timeout_seconds)
    return before if before and before.made_of == made_of else Client(made_of, make(name, how))


def make(name: str, how: Credentials | None) -> Provider:
    """A provider with a new client, for the event loop of the caller."""
    key, address = (how.key, how.address) if how else (None, None)
    seconds = get_settings().provider_timeout_seconds
    kind = provider_rows.kind_of(name)
    return providers.make(kind, key.get_secret_value() if key else None, address, seconds, name)


def configured() -> Mapping[str, Provider]:
    """By name: the offline engine always, the others if they are set up."""
    return {name: client.provider for name, client in _clients().items()}


def provider(name: str) -> Provider:
    """For everything but calls, which use `lent`. Raises InvalidInput if it is not set up."""
    return _found(name).provider


def _found(name: str) -> Client:
    found = _clients().get(name)
    if found is None:
        raise InvalidInput(missing(name))
    return found


def get_ready(*names: str) -> None:
    """Make the HTTP clients of these providers, or of all that are set up, before their first calls: it takes long, and
    would hold up the event loop."""
    for name, one in configured().items():
        if not names or name in names:
            one.get_ready()


@asynccontextmanager
async def lent(name: str) -> AsyncIterator[Provider]:
    """A provider for one call, or for a few that belong together. Raises InvalidInput if it is not set up."""
    while not (client := _found(name)).begin():
        pass
    try:
        yield client.provider
    finally:
        await client.end()


def missing(name: str) -> str:
    """Why there is no provider of that name, and what to do."""
    if not provider_rows.exists(name):
        return f"There is no provider {name!r}. Choose one of {', '.join(configured())}."
    return not_set_up(name, unusable_key=has_unusable_key(name))


def has_unusable_key(name: str) -> bool:
    return name in provider_rows.remote() and credentials.of(name).trouble is not None


def not_set_up(name: str, *, unusable_key: bool) -> str:
    """Why a known provider cannot be called, and what to do."""
    if unusable_key:
        return f"the key of {name} that was set cannot be used. The Settings page says why; enter it again there."
    if not provider_rows.exists(name):
        return f"there is no provider {name} any more. Go on with another model, or add it again on the Settings page."
    variable = f"{name.upper()}_API_KEY"
    return f"{name} is not set up: set its key on the Settings page, or {variable} in the environment and start again."


def forget() -> None:
    """Make clients anew when they are next needed: those of an event loop that has ended cannot be used in another."""
    global _known
    _known = None


async def close() -> None:
    """Close the clients of this event loop, and forget them."""
    known = _known
    forget()
    if known is not None:
        await asyncio.gather(*(client.provider.close() for client in known.clients.values()))
