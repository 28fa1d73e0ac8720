"""Keys for one purpose each, made of SECRET_KEY: the same in every process, and none of them tells another."""

import hashlib
import hmac

from core.environment import get_settings


def derived(purpose: str) -> str | None:
    """64 hex digits. None where there is no SECRET_KEY."""
    secret = get_settings().secret_key
    if secret is None:
        return None
    return hmac.new(secret.get_secret_value().encode(), f"cairn {purpose}".encode(), hashlib.sha256).hexdigest()
