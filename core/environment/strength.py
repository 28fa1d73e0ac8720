"""Which secrets of the environment can be guessed."""

PLACEHOLDERS = ("change-me", "changeme", "your-secret", "your-very-secure", "secret", "placeholder")
HOW_TO_MAKE_ONE = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
# Of keys for the API, and of what a proxy proves itself with.
KEY_AT_LEAST = 16


def is_weak(secret: str) -> bool:
    return len(secret) < 32 or is_placeholder(secret)


def is_placeholder(secret: str) -> bool:
    return any(word in secret.lower() for word in PLACEHOLDERS)
