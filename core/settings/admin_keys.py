"""Admin keys of the organizations, with which the providers' own figures are read: set while Cairn runs, else by the
environment. Like other keys they are sealed with their address and sent nowhere else."""

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from core.environment import get_settings
from core.errors import InvalidInput
from core.providers import capabilities
from core.runtime import db
from core.settings import credentials, store
from core.settings.credentials import Trouble
from core.settings.store import KEY

SUFFIX = ":admin"


@dataclass(frozen=True)
class AdminKey:
    """`trouble`: why the key that was set here is not used. `held_back`: the environment's is for another address."""

    provider: str
    address: str
    key: SecretStr | None
    key_from: Literal["environment", "here"] | None
    trouble: Trouble | None = None
    held_back: bool = False

    @property
    def missing(self) -> str | None:
        """Why there is none to use, and what to do; None if there is one."""
        if self.key is not None:
            return None
        variable = f"{self.provider.upper()}_ADMIN_KEY"
        if self.trouble == "unreadable":
            return "The admin key cannot be opened: it was sealed with another SECRET_KEY. Enter it anew on Settings."
        if self.trouble == "other_address" or self.held_back:
            return f"The admin key is for another address and is not sent to {self.address}. Enter it on Settings."
        return (
            f"There is no admin key of {self.provider}. Set it on the Settings page, or {variable} in the environment "
            "and start again; or upload an export of its billing page."
        )


def name(provider: str) -> str:
    return f"{KEY}{provider}{SUFFIX}"


def of(provider: str) -> AdminKey:
    """What is in force in this process now. Raises InvalidInput for a provider without reports."""
    _known(provider)
    address = credentials.address(provider)
    sealed = store.values().get(name(provider), {}).get("sealed")
    key, trouble = credentials.opened_for(f"{provider}{SUFFIX}", address, sealed) if sealed else (None, None)
    if key is not None:
        return AdminKey(provider, address, key, "here")
    of_environment: SecretStr | None = getattr(get_settings(), f"{provider}_admin_key")
    if of_environment is None:
        return AdminKey(provider, address, None, None, trouble)
    if address != credentials.address_in_environment(provider):
        return AdminKey(provider, address, None, None, trouble, held_back=True)
    return AdminKey(provider, address, of_environment, "environment", trouble)


def is_set_here(provider: str) -> bool:
    return name(provider) in store.values()


def change(provider: str, key: str) -> None:
    """Raises InvalidInput."""
    _known(provider)
    with db.transaction() as session:
        credentials.put_key(session, f"{provider}{SUFFIX}", credentials.address(provider), key)
    store.load()


def remove(provider: str) -> None:
    _known(provider)
    with db.transaction() as session:
        store.put(session, name(provider), None)
    store.load()


def _known(provider: str) -> None:
    if provider not in capabilities.REMOTE:
        known = ", ".join(capabilities.REMOTE)
        raise InvalidInput(f"{provider!r} has no reports of what it charged. These have: {known}.")
