"""Keys for one purpose each, made of a secret: the same in every process, and none of them tells another."""

import hashlib
import hmac

from pydantic import SecretStr


def derived(secret: SecretStr, purpose: str) -> str:
    """64 hex digits."""
    return hmac.new(secret.get_secret_value().encode(), f"cairn {purpose}".encode(), hashlib.sha256).hexdigest()
