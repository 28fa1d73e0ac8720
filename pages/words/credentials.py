"""What was saved of a provider's key and address."""

from core.settings import credentials


def saved(provider: str, key: str, address: str) -> str:
    """Before it is saved. A browser may not have handed over what was typed: then no key is said to be saved."""
    moved = credentials.entered(provider, address, "").address != credentials.of(provider).address
    if key.strip():
        return "The key and the address were saved." if moved else "The key was saved."
    return "The address was saved; no key was entered." if moved else "No key was entered, so none was saved."
