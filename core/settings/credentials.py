"""How each provider is called: its address and key, set while Cairn runs, else by the environment.

A key is sent only to the address that it was entered for: a person who may change an address, but does not know the
key, must not be able to send it to a server of their own. So a key is sealed with its provider and address, and
the environment's key belongs to the environment's address.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import SecretStr
from sqlmodel import Session

from core import providers
from core.environment import get_settings
from core.errors import InvalidInput
from core.providers import capabilities
from core.runtime import db, sealed_secrets
from core.settings import base_urls, provider_rows, store
from core.settings.provider_rows import ProviderRow
from core.settings.store import KEY, Source

ADDRESS = "address:"
KEY_CHARACTERS = 1000
# Why a key that was set here is not used.
Trouble = Literal["unreadable", "other_address"]


@dataclass(frozen=True)
class Credentials:
    """Where a provider is called and with which key; `key_from` is None without one.

    `trouble`: why the key that was set here is not used. `held_back`: the environment's key belongs to another address.
    """

    provider: str
    address: str
    address_from: Source
    key: SecretStr | None
    key_from: Literal["environment", "here"] | None
    trouble: Trouble | None = None
    held_back: bool = False

    @property
    def set_up(self) -> bool:
        """Whether it may be called: with a key, or without one at an address that was set, as compatible servers often
        need none. If a key was set there and is not usable, it may not."""
        return self.key is not None or (self.address_from != "default" and self.trouble is None)

    @property
    def warning(self) -> str | None:
        """Why a key that was set is not used, and what to do; None if all is well."""
        here = base_urls.shown(self.address)
        set_here = f"The key of {self.provider} that was set on the Settings page"
        instead = " Until then the environment's key is used." if self.key_from == "environment" else ""
        if self.trouble == "unreadable":
            return (
                f"{set_here} cannot be opened: it was sealed with another SECRET_KEY, or with a file secret.key that "
                "is not in DATA_DIR any more. Set the former one as SECRET_KEY_PREVIOUS or put the file back, and "
                f"start again; or enter the key anew.{instead}"
            )
        if self.trouble == "other_address":
            return (
                f"{set_here} is for another address and is not sent to {here}. Enter the key for this address, "
                f"put the address back, or remove the key.{instead}"
            )
        if self.held_back:
            return (
                f"The environment's key is for the environment's address and is not sent to {here}. If a key "
                "is needed there, enter it on the Settings page."
            )
        return None


def of(provider: str) -> Credentials:
    """What is in force in this process now."""
    return _of(provider, store.values().get(f"{KEY}{provider}", {}).get("sealed"))


def without_key(provider: str) -> Credentials:
    """What would be in force without the key that was set here."""
    return _of(provider, None)


def _of(provider: str, sealed: str | None) -> Credentials:
    at_environment = address_in_environment(provider)
    here = address_set_here(provider)
    address = here or at_environment
    in_environment = _in_environment(provider, "base_url") is not None
    address_from: Source = "here" if here else "environment" if in_environment else "default"
    key, trouble = opened_for(provider, address, sealed) if sealed else (None, None)
    if key is not None:
        return Credentials(provider, address, address_from, key, "here")
    of_environment: SecretStr | None = _in_environment(provider, "api_key")
    if of_environment is None:
        return Credentials(provider, address, address_from, None, None, trouble)
    if address != at_environment:
        return Credentials(provider, address, address_from, None, None, trouble, held_back=True)
    return Credentials(provider, address, address_from, of_environment, "environment", trouble)


def address(provider: str) -> str:
    """Where it is called."""
    return address_set_here(provider) or address_in_environment(provider)


def address_set_here(provider: str) -> str | None:
    """One that was added has its address in its row."""
    row = provider_rows.of(provider)
    return store.values().get(f"{ADDRESS}{provider}", {}).get("base_url") if row.built_in else row.base_url


def _in_environment(provider: str, what: str) -> Any:
    """Only those that are there from the start have settings of the environment."""
    return getattr(get_settings(), f"{provider}_{what}") if provider in capabilities.REMOTE else None


def is_set_here(provider: str) -> bool:
    """Whether a key was set here, usable or not."""
    return f"{KEY}{provider}" in store.values()


def key_changed_since(provider: str, moment: datetime) -> bool:
    """Whether the key that is set here was set, replaced or removed since."""
    with db.transaction() as session:
        return store.changed_since(session, f"{KEY}{provider}", moment)


def address_in_environment(provider: str) -> str:
    address: str | None = _in_environment(provider, "base_url")
    return address or providers.own_address(provider_rows.kind_of(provider))


def opened_for(provider: str, address: str, sealed: str) -> tuple[SecretStr | None, Trouble | None]:
    text = sealed_secrets.opened(sealed)
    if text is None:
        return None, "unreadable"
    found = json.loads(text)
    if (found["provider"], found["address"]) != (provider, address):
        return None, "other_address"
    return SecretStr(found["key"]), None


def entered(provider: str, address: str, key: str) -> Credentials:
    """What would be in force after `change`, to test it before. Raises InvalidInput."""
    checked, where = checked_address(provider, address)
    if key.strip():
        return Credentials(provider, where, "here", SecretStr(_checked_key(key)), "here")
    now = of(provider)
    if where == now.address:
        return now
    of_environment = _in_environment(provider, "api_key") if where == address_in_environment(provider) else None
    return Credentials(provider, where, "here" if checked else "environment", of_environment, None)


def change(provider: str, address: str, key: str = "") -> None:
    """Set the address, empty for that of the environment, and its key, empty to keep it. Raises InvalidInput."""
    checked, where = checked_address(provider, address)
    with db.transaction() as session:
        put_address(session, provider_rows.of(provider), checked)
        if key.strip():
            put_key(session, provider, where, key)
    store.load()


def put_address(session: Session, row: ProviderRow, address: str | None) -> None:
    """In the caller's transaction. `address` is checked; None: that of the environment."""
    if row.built_in:
        store.put(session, f"{ADDRESS}{row.name}", {"base_url": address} if address else None)
    else:
        provider_rows.put(session, replace(row, base_url=address))


def put_key(session: Session, provider: str, address: str, key: str) -> None:
    """Seal it with the address that it is for. Raises InvalidInput."""
    store.put(session, f"{KEY}{provider}", {"sealed": _sealed(provider, address, _checked_key(key))})


def remove_key(provider: str) -> None:
    _known(provider)
    with db.transaction() as session:
        store.put(session, f"{KEY}{provider}", None)
    store.load()


def _sealed(provider: str, address: str, key: str) -> str:
    return sealed_secrets.seal(json.dumps({"provider": provider, "address": address, "key": key}))


def _known(provider: str) -> None:
    if provider not in provider_rows.remote():
        raise InvalidInput(f"{provider!r} has no key and no address. These have: {', '.join(provider_rows.remote())}.")


def checked_address(provider: str, address: str) -> tuple[str | None, str]:
    """The address to store, None for that of the environment, and the one that is then in force."""
    _known(provider)
    checked = base_urls.checked(address) if address.strip() else None
    if checked is None and provider not in capabilities.REMOTE:
        raise InvalidInput(f"{provider} needs an address. {base_urls.EXAMPLE}")
    return checked, checked or address_in_environment(provider)


def _checked_key(key: str) -> str:
    """Raises InvalidInput, whose message does not repeat the key."""
    found = key.strip()
    if len(found) > KEY_CHARACTERS or not found.isascii() or not found.isprintable() or " " in found:
        raise InvalidInput("This is no key: it has up to 1,000 letters, digits and signs, no spaces. Paste it anew.")
    return found
